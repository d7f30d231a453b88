/** Real browsers without a window, and the site whose page they open. */

import { existsSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, launch, type Page } from 'puppeteer-core';
import { within } from './wait.js';

const START_DEADLINE_MS = 60_000;

/** As Debian calls and places them. */
const PROGRAMS = { chromium: '/usr/bin/chromium', firefox: '/usr/bin/firefox-esr' } as const;
export type BrowserName = keyof typeof PROGRAMS;
export const BROWSERS = Object.keys(PROGRAMS) as BrowserName[];

/** A name that is no localhost, and leads to 127.0.0.1 in these browsers. */
export const INSECURE_HOST = 'halley.test';

const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
];

export async function startBrowser(name: BrowserName): Promise<Browser> {
  const executablePath = PROGRAMS[name];
  if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing: install ${name}`);
  const launched = launch({
    executablePath,
    browser: name === 'chromium' ? 'chrome' : 'firefox',
    headless: true,
    // The tests may run as root and in a container, where its own sandbox cannot start.
    args: name === 'chromium' ? CHROMIUM_ARGS : [],
    extraPrefsFirefox: { 'network.dns.localDomains': INSECURE_HOST },
  });
  return within(launched, `${name} is up`, START_DEADLINE_MS);
}

/** A page of a site, with an edge behind the same origin as a proxy would have it. */
export class Site {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param edgeUrl where everything but the page goes */
  static async start(edgeUrl: () => string): Promise<Site> {
    const server = createServer((asked, answer) => {
      if (asked.url === '/') {
        answer.setHeader('Content-Type', 'text/html; charset=utf-8');
        answer.end('<!DOCTYPE html><title>site</title><body></body>');
        return;
      }
      const url = new URL(asked.url ?? '/', edgeUrl());
      const { method, headers } = asked;
      const passedOn = request(url, { method, headers }, (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
        response.once('error', () => answer.destroy());
      });
      passedOn.once('error', () => answer.destroy());
      answer.once('close', () => passedOn.destroy());
      asked.pipe(passedOn);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Site(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Cuts every connection, as a network does that fails; new ones are taken. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}
