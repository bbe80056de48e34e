/**
 * Card numbers are planted wherever one can be typed or sent, and then looked for wherever something could have been
 * written: tables, ClickHouse, Temporal's histories, logs, and the bytes of every file. Only the vault may know them.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import type { DevSecrets } from '#platform/dev-secrets.ts';
import * as acts from '#sandbox/demo/acts.ts';
import { signInOperator, type Cast } from '#sandbox/demo/cast.ts';
import { callJson, eventually } from '#sandbox/demo/http.ts';
import { findBrowser, noBrowserMessage, openBrowser } from '#test/support/browser.ts';
import { findCards, findPlanted, plantedNumber, readFiles, readTables } from '#test/support/card-scan.ts';
import { withDatabase } from '#test/support/postgres-server.ts';
import { startWireServer, type WireServer } from '#test/support/wire-server.ts';
import { createDataConverter } from '#workers/payload-codec.ts';
import type { RunningPlatform } from './hostile-peers.ts';

const planted = new Map<string, string>();
const plant = (where: string): string => {
  const number = plantedNumber();
  planted.set(where, number);
  return number;
};

type RunJson = {
  cardVault: string;
  postgres: { owner: string };
  clickhouse: { url: string; user: string; password: string; database: string };
  temporal: string;
  temporalNamespace: string;
};

/** A platform with the card vault on, and the shop whose pages may show the vault's. */
type VaultPlatform = RunningPlatform & { readonly shop: WireServer };

let home: string;
let cast: Cast;
let run: RunJson;
let secrets: DevSecrets;
let shop: WireServer;
let player: acts.Player;
let support: Awaited<ReturnType<typeof signInOperator>>;
const executable = findBrowser();
const isRequired = process.env['PITBOSS_REQUIRE_BROWSER'] === '1';

/** As the page does it. */
const tokenise = (card: object): Promise<Response> =>
  fetch(`${run.cardVault}/cards`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: run.cardVault },
    body: JSON.stringify(card),
  });

const deposit = (tokens: readonly object[], more: object = {}, expected: readonly number[] = [200]) =>
  player.call('/v1/deposits', {
    body: {
      money: { amount: '20.00', asset: 'EUR' },
      instrument: { kind: 'card', tokens },
      returnUrl: `${cast.api}/docs`,
      ...more,
    },
    idempotencyKey: randomUUID(),
    expect: expected,
  });

async function paysIn(token: string): Promise<void> {
  const begun = await deposit([{ psp: 'alpha', token }]);
  const captured = await acts.awaitCapture(player, begun.depositId);
  expect(captured).toMatchObject({ state: 'captured', money: { amount: '20.00', asset: 'EUR' } });
}

export function describeCardCanary(running: () => VaultPlatform): void {
  beforeAll(async () => {
    ({ cast, home, shop } = running());
    run = JSON.parse(await readFile(join(home, 'run.json'), 'utf8'));
    secrets = JSON.parse(await readFile(join(home, 'secrets.json'), 'utf8'));
    player = await acts.register(cast);
    await acts.protect(player);
    support = await signInOperator(cast, 'support');
  }, 60_000);

  test('that our processes hand to the vault pays in through a PSP', async () => {
    const answer = await tokenise({
      number: plant('the vault'),
      expiryMonth: 12,
      expiryYear: 2031,
      cvc: '123',
    });
    await paysIn(((await answer.json()) as { token: string }).token);
    const refused = plant('a refused card').slice(0, 15);
    expect((await tokenise({ number: `${refused}x`, expiryMonth: 12, expiryYear: 2031 })).status).toBe(422);
  }, 90_000);

  test.skipIf(executable === null && !isRequired)(
    'that a player types into the page pays in, and the shop is told a token alone',
    async () => {
      if (executable === null) throw new Error(noBrowserMessage);
      const frame = `${run.cardVault}/capture?shop=${encodeURIComponent(shop.url)}`;
      shop.script = () => ({
        headers: { 'content-type': 'text/html' },
        body: `<!doctype html><script>window.told = [];
          addEventListener('message', (event) => told.push([event.origin, JSON.stringify(event.data)]));
          </script><iframe src="${frame}" width="600" height="400"></iframe>`,
      });
      const browser = await openBrowser(executable);
      try {
        const page = await browser.newPage();
        const complaints: string[] = [];
        const requests: string[] = [];
        page.on('console', (message) => void complaints.push(message.text()));
        page.on('request', (request) => void requests.push(request.url()));
        await page.goto(shop.url);
        const inner = page.frameLocator('iframe');
        const submit = async (number: string) => {
          await inner.locator('[name=number]').fill(number);
          await inner.locator('[name=expiry]').fill('12/31');
          await inner.locator('[name=cvc]').fill('123');
          await inner.locator('button').click();
        };
        await submit('4242 4242 4242 4241');
        await expect
          .poll(() => inner.locator('[role=alert]').innerText())
          .toContain('not the number of a card');
        await submit(plant('the page').replaceAll(/(\d{4})(?=\d)/g, '$1 '));
        await expect.poll(() => page.evaluate('told.length'), { timeout: 20_000 }).toBe(1);
        const [[origin, message] = ['', '']] = (await page.evaluate('told')) as [string, string][];
        expect(origin).toBe(run.cardVault);
        const told = JSON.parse(message ?? '') as { type: string; token: string };
        expect(told).toEqual({ type: 'pitboss.card-token', token: expect.stringMatching(/^vt_/) });
        expect(requests.filter((url) => !url.startsWith(run.cardVault) && !url.startsWith(shop.url))).toEqual(
          [],
        );
        // The refused card is a 422 in the console; the policy of the page was never broken.
        expect(
          complaints.filter(
            (text) => !text.includes('422') && !text.includes('favicon') && !text.includes('404'),
          ),
        ).toEqual([]);
        await paysIn(told.token);

        const stranger = await startWireServer(() => ({
          headers: { 'content-type': 'text/html' },
          body: `<!doctype html><iframe src="${frame}"></iframe>`,
        }));
        await page.goto(stranger.url);
        await expect.poll(() => complaints.join('\n')).toContain('frame-ancestors');
        await stranger.close();
      } finally {
        await browser.close();
      }
    },
    120_000,
  );

  test('in any field of the API is refused, whoever sends it', async () => {
    const told = [
      await deposit([{ psp: 'alpha', token: plant('a token') }], {}, [400]),
      await deposit(
        [{ psp: 'alpha', token: 'pm_1' }],
        { returnUrl: `${cast.api}/docs?card=${plant('an address')}` },
        [400],
      ),
      await deposit([{ psp: 'alpha', token: 'pm_1' }], { [plant('a name of a field')]: 1 }, [400]),
      await player.call('/v1/bank-accounts', {
        body: { iban: 'MT84MALT011000012345MTLCAST001S', holder: `Ada ${plant('a holder')}` },
        idempotencyKey: randomUUID(),
        expect: [400],
      }),
      await callJson(`${cast.api}/v1/sessions`, {
        body: { brand: 'aurora', email: `${plant('an e-mail')} @example.test`, password: 'x' },
        expect: [400],
      }),
      await support(`/admin/v1/players/${player.id}/lock`, {
        body: { reason: `He read it out: ${plant('a reason').replaceAll(/(\d{4})(?=\d)/g, '$1 ')}` },
        idempotencyKey: randomUUID(),
        expect: [400],
      }),
      await player.call(`/v1/deposits?after=${plant('a query')}`, { expect: [400] }),
    ];
    for (const answer of told) expect(answer.code).toBe('invalid-request');
    expect(findPlanted(JSON.stringify(told), planted)).toEqual([]);
    await player.call(`/v1/deposits/${plant('a path')}`, { expect: [400, 404] });
  }, 60_000);

  test('in a webhook is not kept, genuine or forged', async () => {
    const at = Math.floor(Date.now() / 1_000);
    const body = JSON.stringify({
      id: `evt_${randomUUID()}`,
      object: 'event',
      type: 'payment_intent.succeeded',
      created: at,
      data: {
        object: {
          id: 'pi_canary',
          object: 'payment_intent',
          description: `Card ${plant('a webhook')}`,
          metadata: { reference: `deposit:${randomUUID()}:a1`, note: plant('metadata') },
        },
      },
    });
    const sign = (secret: string) =>
      `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;
    const send = (secret: string) =>
      fetch(`${cast.api}/webhooks/psp/alpha`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'stripe-signature': sign(secret) },
        body,
      });
    expect((await send(secrets.pspAlpha.webhookSecret)).status).toBe(200);
    expect((await send('whsec_forged')).status).toBe(401);
  });

  test('is in no table of the platform, and in the vault as ciphertext alone', async () => {
    const ours = await readTables(run.postgres.owner);
    expect(ours.length).toBeGreaterThan(50);
    const vaults = await readTables(withDatabase(run.postgres.owner, 'pitboss_vault'));
    expect(vaults.find(({ place }) => place === 'public.card')?.text.split('\n').length).toBeGreaterThan(0);
    for (const { place, text } of [...ours, ...vaults]) {
      expect(findPlanted(text, planted), place).toEqual([]);
      expect(findCards(text), place).toEqual([]);
    }
  }, 60_000);

  test('is in no table of ClickHouse', async () => {
    const query = async (sql: string): Promise<string> => {
      const answer = await fetch(`${run.clickhouse.url}/?database=${run.clickhouse.database}`, {
        method: 'POST',
        headers: { 'x-clickhouse-user': run.clickhouse.user, 'x-clickhouse-key': run.clickhouse.password },
        body: sql,
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      return text;
    };
    await eventually(
      'the events',
      async () =>
        (await query(`select count() from event where type = 'payments.deposit.captured'`)).trim() !== '0',
    );
    const tables = (await query(`select name from system.tables where database = currentDatabase()`))
      .trim()
      .split('\n');
    expect(tables).toContain('event');
    for (const table of tables) {
      const text = await query(`select * from "${table}" format JSONEachRow`);
      expect(findPlanted(text, planted), table).toEqual([]);
    }
  }, 90_000);

  test('is in no history of Temporal, opened with the key of the payloads', async () => {
    const connection = await Connection.connect({ address: run.temporal });
    const [codec] = createDataConverter(Buffer.from(secrets.payloadCodecKey, 'base64')).payloadCodecs ?? [];
    const client = new Client({ connection, namespace: run.temporalNamespace });
    let histories = '';
    for await (const { workflowId, runId } of client.workflow.list()) {
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const payloads = payloadsIn(history);
      const opened = await codec!.decode(payloads as Parameters<NonNullable<typeof codec>['decode']>[0]);
      histories += `${workflowId} ${opened.map(({ data }) => Buffer.from(data ?? []).toString('utf8')).join('\n')}\n`;
    }
    await connection.close();
    expect(histories).toMatch(/deposit:/);
    // Words of our own can be read, so the payloads were really opened.
    expect(histories).toMatch(/"state":"captured"/);
    expect(findPlanted(histories, planted)).toEqual([]);
  }, 90_000);

  test('is in no log, no data file, no write-ahead log and no journal of any process', async () => {
    const files = [...readFiles(home), ...readFiles(await dataDirectory())];
    expect(files.some(({ place }) => place.includes('/pg_wal/'))).toBe(true);
    for (const name of ['api', 'worker', 'relay', 'card-vault', 'psp-alpha', 'postgres'])
      expect(
        files.some(({ place }) => place.endsWith(`${name}.log`)),
        name,
      ).toBe(true);
    for (const { place, text } of files) expect(findPlanted(text, planted), place).toEqual([]);
    expect(planted.size).toBeGreaterThanOrEqual(10);
  }, 90_000);

  test('would be found if it were there, in a table as in the bytes of its files', async () => {
    const number = plant('a place of our own');
    await asOwner('create table public.leak (body text)');
    await asOwner('insert into public.leak values ($1)', [`{"pan":"${number}"}`]);
    const leak = (await readTables(run.postgres.owner)).find(({ place }) => place === 'public.leak');
    expect(findPlanted(leak?.text ?? '', planted)).toEqual(['a place of our own']);
    expect(findCards(leak?.text ?? '')).toEqual([number]);
    await asOwner('checkpoint');
    const files = readFiles(await dataDirectory()).filter(
      ({ text }) => findPlanted(text, planted).length > 0,
    );
    expect(files.map(({ place }) => place).join('\n')).toMatch(/\/base\//);
    expect(files.length).toBeGreaterThan(1);
    await asOwner('drop table public.leak');
  });
}

async function asOwner(sql: string, values: readonly unknown[] = []): Promise<Record<string, string>[]> {
  const client = new pg.Client({ connectionString: run.postgres.owner });
  await client.connect();
  try {
    return (await client.query<Record<string, string>>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** It may stand outside the home, where the database's user could not enter that. */
const dataDirectory = async (): Promise<string> =>
  (await asOwner('show data_directory'))[0]?.['data_directory'] ?? 'nowhere';

/** Payloads anywhere in a history: objects with metadata and data. */
function payloadsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  if ('metadata' in value && 'data' in value && value.data instanceof Uint8Array) return [value];
  return Object.values(value).flatMap(payloadsIn);
}
