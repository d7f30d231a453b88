/** Pages that use the SDK, as a test sees them. */

/// <reference lib="dom" />

import type { Gap, Halley, HalleyOptions, State, Subscription } from '@halley/client';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type BrowserName, startBrowser } from './browsers.js';
import { type PageKind, SdkSite } from './sdk-site.js';
import { DeadlineError, eventually } from './wait.js';

type ChannelOptions = NonNullable<Parameters<Halley['subscribe']>[2]>;

/** What a page does, as far as JSON can say it. */
export interface PageSpec {
  readonly options?: Omit<HalleyOptions, 'getToken' | 'WebSocket' | 'EventSource'>;
  /** Subscribed at once. */
  readonly channels?: Readonly<Record<string, Pick<ChannelOptions, 'last' | 'after' | 'echo'>>>;
  /** Where `getToken` asks; see `SdkSite.tokenPath`. */
  readonly tokenUrl?: string;
  /** Nothing is used yet. */
  readonly isIdle?: boolean;
}

/** What a page has heard, each in order. */
export interface PageLog {
  /** Data by channel. */
  readonly messages: Record<string, unknown[]>;
  readonly privates: unknown[];
  readonly gaps: Gap[];
  readonly states: State[];
  readonly errors: { readonly code: string; readonly message: string }[];
  /** Of the content security policy. */
  readonly violations: string[];
  /** `persisted` of each `pageshow`. */
  readonly shown: boolean[];
  /** Data of all channels, and `gap` where there was one. */
  readonly story: unknown[];
  /** What this tab had heard when it was left last. */
  readonly before: PageLog | null;
}

declare global {
  interface Window {
    collected: PageLog;
    client: Halley;
    subscriptions: Record<string, Subscription>;
    listen(channel: string, options?: ChannelOptions): void;
  }
}

/** A page of the site, as a test sees it. */
export class SdkPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  log(): Promise<PageLog> {
    return this.page.evaluate(() => window.collected);
  }

  /** @param probe of the log @throws DeadlineError with the end of the log */
  async until(
    probe: (log: PageLog) => unknown,
    what: string,
    deadlineMs?: number,
  ): Promise<PageLog> {
    let last: PageLog | undefined;
    const isSo = async () => {
      last = await this.log();
      return last !== undefined && probe(last) ? last : null;
    };
    try {
      return await eventually(isSo, what, deadlineMs);
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      throw new DeadlineError(`${error.message}; the page has ${shortened(last)}`);
    }
  }

  connected(deadlineMs?: number): Promise<PageLog> {
    return this.until(({ states }) => states.at(-1)?.name === 'connected', 'connected', deadlineMs);
  }

  /** The channel is subscribed for the first time. */
  async ready(channel: string): Promise<void> {
    await this.page.evaluate((one: string) => window.subscriptions[one]?.ready, channel);
  }

  publish(channel: string, data: unknown): Promise<unknown> {
    return this.page.evaluate(
      (one: string, what: unknown) => window.client.publish(one, what),
      channel,
      data,
    );
  }

  /** So many messages of a channel. */
  messages(channel: string, count: number): Promise<PageLog> {
    const has = ({ messages }: PageLog) => (messages[channel]?.length ?? 0) >= count;
    return this.until(has, `${count} messages of ${channel}`);
  }

  privates(count: number): Promise<PageLog> {
    return this.until((log) => log.privates.length >= count, `${count} private messages`);
  }

  /** Goes back to the page of the SDK that was here before, or to another one at its address. */
  async back(): Promise<PageLog> {
    await this.page.evaluate(() => history.back());
    return eventually(async () => {
      // While the pages change there is none that could answer.
      const log = await this.log().catch(() => undefined);
      return log !== undefined && (log.shown.includes(true) || log.before !== null) ? log : null;
    }, 'the page is back');
  }

  /** Its last state. */
  async state(): Promise<State | undefined> {
    return (await this.log()).states.at(-1);
  }
}

const BROWSER_DEADLINE_MS = 60_000;

/** A browser and the site whose pages it opens, for all tests of a block. */
export class SdkPages {
  readonly #name: BrowserName;
  readonly #nodes: () => readonly string[];
  #parts: { browser: Browser; site: SdkSite } | undefined;
  /** Those that the test has opened, in order; they are closed when it ends. */
  open: SdkPage[] = [];

  constructor(name: BrowserName, nodes: () => readonly string[]) {
    this.#name = name;
    this.#nodes = nodes;
  }

  async start(): Promise<void> {
    const browser = await startBrowser(this.#name);
    this.#parts = { browser, site: await SdkSite.start(this.#nodes()) };
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.open.splice(0).map(({ page }) => page.close()));
  }

  async stop(): Promise<void> {
    await this.#parts?.browser.close();
    await this.#parts?.site.stop();
  }

  get browser(): Browser {
    return this.#started.browser;
  }

  get site(): SdkSite {
    return this.#started.site;
  }

  /** @param host by which the browser finds the site */
  async add(spec: PageSpec, kind?: PageKind, host?: string): Promise<SdkPage> {
    const page = await this.browser.newPage();
    const opened = new SdkPage(page);
    this.open.push(opened);
    await page.goto(this.site.urlOf(spec, kind, host));
    return opened;
  }

  get #started() {
    if (this.#parts === undefined) throw new Error('the browser is not running');
    return this.#parts;
  }
}

/** @param nodes to which the strict pages may connect */
export function usePages(name: BrowserName, nodes: () => readonly string[] = () => []): SdkPages {
  const pages = new SdkPages(name, nodes);
  beforeAll(() => pages.start(), BROWSER_DEADLINE_MS);
  afterEach(() => pages.closeAll(), BROWSER_DEADLINE_MS);
  afterAll(() => pages.stop(), BROWSER_DEADLINE_MS);
  return pages;
}

function shortened(log: PageLog | undefined): string {
  return JSON.stringify(log, (_, value: unknown) =>
    Array.isArray(value) && value.length > 12
      ? [`${value.length - 12} before`, ...value.slice(-12)]
      : value,
  );
}
