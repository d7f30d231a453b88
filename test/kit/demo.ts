/** A person at the demo page, as far as a test can be one: reads what is shown, presses and types. */

/// <reference lib="dom" />

import type { Browser, BrowserContext, ElementHandle, JSHandle, Page } from 'puppeteer-core';

const DEADLINE_MS = 30_000;
/** A page in the background draws no frames that could be waited for. */
const POLLING_MS = 50;
/** Wide enough for both panels beside the chat. */
const DESK = { width: 1280, height: 800 };

declare global {
  interface Window {
    /** What the page's own policy has kept from loading. */
    violations: string[];
  }
}

export class Person {
  readonly page: Page;
  readonly #context: BrowserContext;

  private constructor(page: Page, context: BrowserContext) {
    this.page = page;
    this.#context = context;
  }

  /** Opens the page in a context of its own, which shares nothing with those of others. */
  static async open(browser: Browser, url: string): Promise<Person> {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.setViewport(DESK);
    await page.evaluateOnNewDocument(() => {
      window.violations = [];
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        window.violations.push(`${violatedDirective} ${blockedURI}`),
      );
    });
    const person = new Person(page, context);
    await page.goto(url);
    return person;
  }

  /** Opens it under a name; resolves when connected, and a member of the room that is shown. */
  static async enter(browser: Browser, edgeUrl: string, name: string, room: string, query = '') {
    const person = await Person.open(browser, `${edgeUrl}/demo?name=${name}${query}#${room}`);
    await person.isIn(name, room);
    return person;
  }

  async isIn(name: string, room: string): Promise<void> {
    await this.shows('#status-text', 'connected');
    await this.shows('#title', `#${room}`);
    await this.shows('#people', name);
  }

  async leave(): Promise<void> {
    await this.#context.close();
  }

  /** Resolves once the text of an element has this in it. */
  async shows(selector: string, text: string): Promise<void> {
    const holds = (where: string, what: string) =>
      (document.querySelector(where)?.textContent ?? '').includes(what);
    await this.#until(holds, selector, text);
  }

  async showsNot(selector: string, text: string): Promise<void> {
    const lacks = (where: string, what: string) =>
      !(document.querySelector(where)?.textContent ?? '').includes(what);
    await this.#until(lacks, selector, text);
  }

  text(selector: string): Promise<string> {
    return this.page.$eval(selector, ({ textContent }) => textContent ?? '');
  }

  /** The texts of the messages that are shown. */
  messages(): Promise<string[]> {
    return this.page.$$eval('#messages .text', (all) => all.map((one) => one.textContent ?? ''));
  }

  async says(text: string): Promise<void> {
    await this.types('#text', text);
    await this.page.keyboard.press('Enter');
    await this.shows('#messages', text);
  }

  async types(selector: string, text: string): Promise<void> {
    await this.page.bringToFront();
    await this.page.focus(selector);
    await this.page.keyboard.type(text);
  }

  /** Presses the first of the elements that has this text in it, once there is one. */
  async presses(selector: string, text = ''): Promise<void> {
    await this.page.bringToFront();
    const find = (where: string, what: string) =>
      [...document.querySelectorAll(where)].find((one) => (one.textContent ?? '').includes(what));
    const found = await this.#until(find, selector, text);
    await (found.asElement() as ElementHandle<Element>).click();
  }

  /**
   * Goes on by Tab until the element has the focus, as somebody does who has no mouse.
   * @param key `Shift+Tab` goes back. Neither leads out of the page and in again: what lies between
   *   belongs to the browser
   */
  async tabsTo(selector: string, text = '', key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    const stops = 60;
    for (let stop = 0; stop < stops; stop += 1) {
      const isThere = await this.page.evaluate(
        (where: string, what: string) => {
          const { activeElement } = document;
          const isThere = document.hasFocus() && activeElement?.matches(where);
          return isThere && (activeElement?.textContent ?? '').includes(what);
        },
        selector,
        text,
      );
      if (isThere) return;
      if (key === 'Shift+Tab') await this.page.keyboard.down('Shift');
      await this.page.keyboard.press('Tab');
      if (key === 'Shift+Tab') await this.page.keyboard.up('Shift');
    }
    throw new Error(`${key} does not reach ${selector} ${text}`);
  }

  violations(): Promise<string[]> {
    return this.page.evaluate(() => window.violations);
  }

  async #until<T>(
    probe: (selector: string, text: string) => T,
    selector: string,
    text: string,
  ): Promise<JSHandle> {
    const options = { timeout: DEADLINE_MS, polling: POLLING_MS };
    try {
      return await this.page.waitForFunction(probe, options, selector, text);
    } catch (error) {
      const page = await this.page.evaluate(() => document.body.textContent);
      throw new Error(`${selector} and ${JSON.stringify(text)}; the page:\n${page}`, {
        cause: error,
      });
    }
  }
}
