import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { tempFolder } from './folder.ts';

/** Where Debian's package puts it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FOUND = PLACES.find((place) => existsSync(place));

/** How long a test waits for what a browser is to do, on a machine that may have much else to do. */
export const PATIENCE_MS = 20_000;

/**
 * Why a test with a browser cannot run here; false where it can. Where every test has to run it is never a reason, and the
 * test fails.
 */
export const noBrowser: string | false =
  FOUND === undefined && process.env.CI !== 'true'
    ? `there is no browser at ${PLACES.join(', ')}: on Debian, apt-get install chromium`
    : false;

/** A page, and what has gone wrong in it. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** What it has written to the console as a warning or an error, and errors nobody caught. */
  readonly complaints: readonly string[];
  /** Every address it has asked for. */
  readonly requested: readonly string[];
}

/** Opens a browser at an empty profile, and a page in it. Dispose of it to close both. */
export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const browser = await launch();
  const context = await browser.newContext({ locale: 'en-US', timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  const requested: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requested.push(request.url()));
  await page.goto(url);
  return {
    page,
    complaints,
    requested,
    async [Symbol.asyncDispose]() {
      await browser.close();
    },
  };
}

function launch(): Promise<Browser> {
  if (FOUND === undefined) throw new Error(`there is no browser at ${PLACES.join(', ')}`);
  return chromium.launch({
    executablePath: FOUND,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    // Beside the profile, which is always an empty one, there are crash reports and caches.
    env: { ...process.env, HOME: tempFolder() },
  });
}
