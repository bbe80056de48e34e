/** The docs page in a real browser: it shows the routes, and neither it nor its scripts reach for anything outside. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { findBrowser, noBrowserMessage, openBrowser } from '#test/support/browser.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

const executable = findBrowser();
const isRequired = process.env['PITBOSS_REQUIRE_BROWSER'] === '1';
if (executable === null) process.stderr.write(`\n  ⚠ ${noBrowserMessage}\n\n`);

describe.skipIf(executable === null && !isRequired)('the docs page', () => {
  let database: TestDatabase;
  let app: TestApi;
  let server: Server;
  let browser: Browser;
  let origin: string;

  beforeAll(async () => {
    if (executable === null) throw new Error(noBrowserMessage);
    database = await createTestDatabase();
    app = await createTestApi(database);
    server = serve({ fetch: app.api.fetch, hostname: '127.0.0.1', port: 0 }) as Server;
    if (!server.listening) await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port.');
    origin = `http://127.0.0.1:${address.port}`;
    browser = await openBrowser(executable);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    await app?.close();
    await database?.drop();
  });

  /** Opens `path` and keeps what the browser asked for and complained about. */
  async function open(path: string): Promise<{ page: Page; requests: string[]; complaints: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => void requests.push(request.url()));
    page.on('requestfailed', (request) => void complaints.push(`${request.url()} failed`));
    page.on('pageerror', (error) => void complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    // As text, because this file is typed for Node and knows no document.
    await page.addInitScript({
      content: `document.addEventListener('securitypolicyviolation', (event) =>
        console.error('refused by the policy: ' + event.violatedDirective + ' ' + event.blockedURI))`,
    });
    await page.goto(`${origin}${path}`, { waitUntil: 'networkidle' });
    return { page, requests, complaints };
  }

  const isForeign = (url: string): boolean => !url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url);

  test('shows the routes and asks nobody else for anything', async () => {
    const { page, requests, complaints } = await open('/docs#tag/payments/POST/v1/deposits');
    const pitboss = page.getByRole('heading', { name: 'Pitboss', exact: true });
    const deposit = page.getByRole('heading', { name: 'Pay in; the answer says what the player does next' });
    await pitboss.first().waitFor({ timeout: 60_000 });
    await deposit.first().waitFor({ timeout: 60_000 });
    expect(requests).toContain(`${origin}/openapi.json`);
    expect(requests.filter(isForeign)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('is where the bare address of the API leads', async () => {
    const { page, complaints } = await open('/');
    expect([page.url(), complaints]).toEqual([`${origin}/docs`, []]);
    await page.close();
  });

  test('would tell if the page broke its policy or asked a stranger', async () => {
    const { page, requests, complaints } = await open('/docs/problems');
    expect([requests.filter(isForeign), complaints]).toEqual([[], []]);
    await page.evaluate(`new Promise((resolve) => {
      const image = document.body.appendChild(document.createElement('img'));
      image.onerror = resolve;
      image.src = 'http://elsewhere.invalid/pixel.png';
    })`);
    await expect.poll(() => complaints.join()).toMatch(/img-src|elsewhere\.invalid/);
    await page.close();
  });

  test('the list of problems marks the one that an error names', async () => {
    const { page } = await open('/docs/problems#insufficient-funds');
    expect(await page.locator('tr:target').innerText()).toMatch(
      /insufficient-funds\s+422\s+The balance.*\s+Ask for less/,
    );
    await page.close();
  });
});
