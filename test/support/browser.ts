/** A Chromium that is already on the machine, for tests of pages; none is downloaded. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

/** A test that finds no browser skips with this line, unless PITBOSS_REQUIRE_BROWSER=1 makes it a failure. */
export const noBrowserMessage =
  'No browser was found, so no page was opened: install chromium, or set CHROMIUM_PATH.';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const elsewhere = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** Nothing of its own accord over the network, and no sandbox, because tests also run as root. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function findBrowser(environment: NodeJS.ProcessEnv = process.env): string | null {
  const given = environment['CHROMIUM_PATH'];
  if (given) return given;
  const folders = (environment['PATH'] ?? '').split(delimiter).filter(Boolean);
  const candidates = [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...elsewhere];
  return candidates.find((path) => existsSync(path)) ?? null;
}

/** Starts it with a fresh profile, which goes with the browser. */
export const openBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: flags });
