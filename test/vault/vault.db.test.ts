/** The card vault as a process, on its own database, in front of a PSP that speaks Stripe's wire. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import { closedAddress } from '#test/conformance/psp-connector/psp-rig.ts';
import { startTransitServer } from '#test/support/transit-server.ts';
import { startWireServer, type WireServer } from '#test/support/wire-server.ts';
import {
  callerSecret,
  startVaultRig,
  stripeDestination,
  writeKeyFile,
  type VaultRig,
} from '#test/support/vault-rig.ts';

const number = '4242424242424242';
const card = { number, expiryMonth: 12, expiryYear: 2031, cvc: '123' };
let rig: VaultRig;
let psp: PartyProcess;
let odd: WireServer;
const state = createTemporaryDirectory();

const template = (token: string, more: object = {}) => ({
  token,
  destination: 'alpha',
  headers: { authorization: 'Bearer sk_test_vault' },
  body: {
    encoding: 'form',
    fields: {
      type: 'card',
      'card[number]': '{{number}}',
      'card[exp_month]': '{{expiryMonth}}',
      'card[exp_year]': '{{expiryYear}}',
      'card[cvc]': '{{cvc}}',
    },
  },
  ...more,
});

const tokenOf = async (given: object = card): Promise<string> => {
  const { status, body } = await rig.tokenise(given);
  expect(status, JSON.stringify(body)).toBe(201);
  return String(body['token']);
};

const toOdd = (token: string) => ({
  ...template(token),
  destination: 'odd',
  body: { encoding: 'json', fields: { card: { number: '{{number}}', code: '{{cvc}}' } } },
});

beforeAll(async () => {
  psp = await startParty('psp', {
    DIALECT: 'stripe',
    API_KEY: 'sk_test_vault',
    WEBHOOK_SECRET: 'whsec_vault',
    WEBHOOK_URL: 'http://127.0.0.1:1/none',
    STATE_DIR: state.path,
  });
  odd = await startWireServer();
  const { adminUrl, databasePrefix } = inject('testPostgres');
  rig = await startVaultRig({
    adminUrl,
    database: `${databasePrefix}_vault_${randomBytes(3).toString('hex')}`,
    destinations: [
      stripeDestination(psp.url),
      {
        ...stripeDestination(psp.url),
        name: 'own',
        credentialHashes: [createHash('sha256').update('Bearer sk_test_vault').digest('hex')],
      },
      { name: 'odd', origin: odd.url, path: '/cards', numberField: 'card.number', cvcField: 'card.code' },
      {
        name: 'away',
        origin: await closedAddress(),
        path: '/',
        numberField: 'card.number',
        cvcField: 'card.code',
      },
    ],
    shopOrigins: ['http://shop.example'],
  });
});

afterAll(async () => {
  await rig?.stop();
  await psp?.stop();
  await odd?.close();
  state.remove();
});

describe('a card', () => {
  test('becomes a token for the page, and a description without its number for our processes', async () => {
    const { status, body } = await rig.tokenise(card);
    expect([status, Object.keys(body)]).toEqual([201, ['token']]);
    const described = await rig.call('GET', `/cards/${String(body['token'])}`);
    expect(described.body).toEqual({
      token: expect.stringMatching(/^vt_[a-zA-Z]{26}$/),
      brand: 'visa',
      bin: '42424242',
      last4: '4242',
      expiryMonth: 12,
      expiryYear: 2031,
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      fingerprintKeyId: 'f1',
    });
  });

  test('has another token each time, and one fingerprint', async () => {
    const [one, two] = await Promise.all([tokenOf(), tokenOf()]);
    const [first, second] = await Promise.all([
      rig.call('GET', `/cards/${one}`),
      rig.call('GET', `/cards/${two}`),
    ]);
    expect(one).not.toBe(two);
    expect(first.body['fingerprint']).toBe(second.body['fingerprint']);
    const other = await rig.call('GET', `/cards/${await tokenOf({ ...card, number: '5555555555554444' })}`);
    expect(other.body['fingerprint']).not.toBe(first.body['fingerprint']);
  });

  test.each([
    [{ ...card, number: '4242424242424241' }, 422, 'invalid-card-number'],
    [{ ...card, number: '1234' }, 422, 'invalid-card-number'],
    [{ ...card, expiryYear: 2020 }, 422, 'invalid-expiry'],
    [{ ...card, expiryMonth: 13 }, 422, 'invalid-expiry'],
    [{ ...card, cvc: '12' }, 422, 'invalid-cvc'],
    [{ ...card, extra: number }, 400, 'invalid-request'],
    [{ number }, 400, 'invalid-request'],
  ])('is refused by name when it cannot be one (%#)', async (given, status, code) => {
    const answer = await rig.tokenise(given);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
    expect(JSON.stringify(answer.body)).not.toContain(number);
  });

  test('comes from the page of the vault alone', async () => {
    const answer = await fetch(`${rig.url}/cards`, {
      method: 'POST',
      headers: { origin: 'http://shop.example' },
      body: JSON.stringify(card),
    });
    expect(answer.status).toBe(403);
  });

  test('is reached through the PSP under the name that the PSP gave it, security code included', async () => {
    const token = await tokenOf();
    const answer = await rig.call('POST', '/forward', template(token));
    expect(answer.status).toBe(200);
    expect(answer.body['status']).toBe(200);
    const method = JSON.parse(String(answer.body['body'])) as { id: string; card: object };
    expect(method).toMatchObject({
      id: expect.stringMatching(/^pm_/),
      card: { last4: '4242', brand: 'visa' },
    });
    expect(JSON.stringify(answer.body)).not.toContain(number);
  });

  test('is gone when it was erased', async () => {
    const token = await tokenOf();
    expect((await rig.call('DELETE', `/cards/${token}`)).status).toBe(204);
    expect((await rig.call('POST', '/forward', template(token))).body['code']).toBe('unknown-token');
    expect((await rig.call('DELETE', `/cards/${token}`)).status).toBe(404);
    const { rowCount } = await rig.pool.query('select 1 from card where token = $1', [token]);
    expect(rowCount).toBe(0);
  });
});

describe('a security code', () => {
  const codeIn = (body: Record<string, unknown> | null | undefined): unknown =>
    (body?.['card'] as { code?: string } | undefined)?.code;
  const codeSent = (): unknown => codeIn(odd.requests.at(-1)?.body);

  /** What the next request to a PSP would carry. */
  const codeLeft = async (token: string): Promise<unknown> => {
    odd.script = () => ({ status: 200, body: {} });
    await rig.call('POST', '/forward', toOdd(token));
    return codeSent();
  };

  test.each([
    ['approved', 200, { resultCode: 'Authorised' }],
    ['declined', 402, { error: { code: 'card_declined' } }],
    ['failing', 500, { error: 'internal' }],
    ['holding the number in another alphabet', 200, { odd: Buffer.from(number).toString('base64') }],
  ])('is gone after an answer that is %s', async (_, status, body) => {
    const token = await tokenOf();
    odd.script = () => ({ status, body });
    await rig.call('POST', '/forward', toOdd(token));
    expect(codeSent()).toBe('123');
    expect(await codeLeft(token)).toBeUndefined();
  });

  test('is gone after a connection that was cut before its answer', async () => {
    const token = await tokenOf();
    odd.script = (_, response) => {
      response.destroy();
      return 'taken-over';
    };
    expect((await rig.call('POST', '/forward', toOdd(token))).body['code']).toBe('destination-silent');
    expect(codeSent()).toBe('123');
    expect(await codeLeft(token)).toBeUndefined();
  });

  test('is in one request of two that race', async () => {
    const token = await tokenOf();
    odd.script = () => ({ status: 200, body: {} });
    const from = odd.requests.length;
    await Promise.all([1, 2, 3].map(() => rig.call('POST', '/forward', toOdd(token))));
    const codes = odd.requests.slice(from).map(({ body }) => codeIn(body));
    expect(codes).toHaveLength(3);
    expect(codes.filter((code) => code !== undefined)).toEqual(['123']);
  });

  test('is kept for the next request where the first one never left', async () => {
    const token = await tokenOf();
    const away = { ...toOdd(token), destination: 'away' };
    expect((await rig.call('POST', '/forward', away)).body['code']).toBe('destination-unreachable');
    const wrong = { ...toOdd(token), body: { encoding: 'json', fields: { card: { code: '{{number}}' } } } };
    expect((await rig.call('POST', '/forward', wrong)).body['code']).toBe('template-refused');
    expect(await codeLeft(token)).toBe('123');
    expect(await codeLeft(token)).toBeUndefined();
  });

  test('does not outlive its process, nor reach its database', async () => {
    const token = await tokenOf({ ...card, cvc: '907' });
    const { rows } = await rig.pool.query<{ text: string }>(
      'select to_jsonb(c)::text as text from card c where token = $1',
      [token],
    );
    expect(rows[0]?.text).not.toMatch(/cvc|code|"907"/);
    await rig.vault().kill9();
    await rig.restart();
    expect(await codeLeft(token)).toBeUndefined();
  });
});

describe('the answer of a destination', () => {
  const answered = async (body: unknown, status = 200) => {
    odd.script = () => ({ status, body });
    return rig.call('POST', '/forward', toOdd(await tokenOf()));
  };

  test('loses every card number before a caller sees it', async () => {
    const { body } = await answered({
      echo: number,
      spaced: 'card 4242 4242 4242 4242!',
      other: '5555555555554444',
      cvc: '123',
      id: 8415718415172204,
    });
    expect(JSON.parse(String(body['body']))).toEqual({
      echo: '[card number]',
      spaced: 'card [card number]!',
      other: '[card number]',
      cvc: '[card number]',
      id: 8415718415172204,
    });
    expect(odd.requests.at(-1)?.body).toEqual({ card: { number, code: '123' } });
  });

  test('is withheld when the number is hidden in it', async () => {
    for (const hidden of [
      Buffer.from(`pan=${number}`).toString('base64'),
      [...number].join('__'),
      encodeURIComponent(number).replaceAll('4', '%34'),
    ])
      expect((await answered({ hidden })).body['code'], hidden).toBe('answer-withheld');
  });

  test('that is a redirect is not followed with the card', async () => {
    odd.script = () => ({ status: 307, headers: { location: `${odd.url}/elsewhere` }, body: '' });
    const before = odd.requests.length;
    const answer = await rig.call('POST', '/forward', toOdd(await tokenOf()));
    expect([answer.body['status'], odd.requests.length]).toEqual([307, before + 1]);
  });

  test('that does not come is told apart from a refused connection', async () => {
    odd.script = (_request, response) => {
      response.destroy();
      return 'taken-over';
    };
    expect((await rig.call('POST', '/forward', toOdd(await tokenOf()))).body['code']).toBe(
      'destination-silent',
    );
    const away = await rig.call('POST', '/forward', { ...toOdd(await tokenOf()), destination: 'away' });
    expect([away.status, away.body['code']]).toEqual([503, 'destination-unreachable']);
  });
});

describe('a caller', () => {
  test('without the right signature is refused before anything is looked up', async () => {
    const path = `/cards/${await tokenOf()}`;
    expect((await rig.call('GET', path, undefined, { secret: 'another' })).body['code']).toBe(
      'invalid-signature',
    );
    expect((await rig.call('GET', path, undefined, { signature: 'v1=' })).body['code']).toBe(
      'invalid-signature',
    );
    expect((await rig.call('GET', path, undefined, { timestampMs: Date.now() - 61_000 })).body['code']).toBe(
      'stale-signature',
    );
    expect((await fetch(`${rig.url}${path}`)).status).toBe(401);
  });

  test('cannot have the number sent to an account of his own at a PSP of the list', async () => {
    const token = await tokenOf();
    const asked = (headers: object) =>
      rig.call('POST', '/forward', { ...template(token), destination: 'own', headers });
    for (const headers of [
      { authorization: 'Bearer sk_test_of_a_thief' },
      { authorization: 'Bearer sk_test_vault', 'x-api-key': 'of_a_thief' },
      {},
    ])
      expect((await asked(headers)).body['code'], JSON.stringify(headers)).toBe('destination-refused');
    expect((await asked({ authorization: 'Bearer sk_test_vault' })).body).toMatchObject({ status: 200 });
  });

  test('cannot have the number sent elsewhere, or into another field', async () => {
    const token = await tokenOf();
    const elsewhere = await rig.call('POST', '/forward', { ...template(token), destination: 'evil' });
    expect([elsewhere.status, elsewhere.body['code']]).toEqual([403, 'destination-refused']);
    for (const fields of [
      { 'card[number]': '{{number}}', 'metadata[copy]': '{{number}}' },
      { 'metadata[copy]': '{{number}}' },
      { 'card[number]': '{{number}}', 'metadata[copy]': '{{cvc}}' },
      { 'card[number]': 'x{{number}}' },
      { 'card[number]': '{{number}}', note: '{{secret}}' },
      { type: 'card' },
    ])
      expect(
        (await rig.call('POST', '/forward', { ...template(token), body: { encoding: 'form', fields } })).body[
          'code'
        ],
        JSON.stringify(fields),
      ).toBe('template-refused');
  });

  test('with a body of its own making gets a clear answer', async () => {
    expect((await rig.call('POST', '/forward', { token: number })).body['code']).toBe('invalid-request');
    expect((await rig.call('POST', '/forward', { x: 'y'.repeat(40_000) })).body['code']).toBe(
      'body-too-large',
    );
    expect((await rig.call('POST', '/nowhere', {})).status).toBe(404);
  });
});

/** Most of these start the process anew. */
describe('a bad day', { timeout: 150_000 }, () => {
  const forwarded = async (token: string) => (await rig.call('POST', '/forward', template(token))).body;

  test('a changed row is told as unreadable', async () => {
    const token = await tokenOf();
    await rig.pool.query(
      `alter table card disable trigger card_content;
       update card set ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 1) where token = '${token}';
       alter table card enable trigger card_content`,
    );
    expect(await forwarded(token)).toMatchObject({ code: 'card-unreadable' });
  });

  test('rows that were exchanged for each other are told as unreadable', async () => {
    const [one, two] = [await tokenOf(), await tokenOf({ ...card, number: '5555555555554444' })];
    await rig.pool.query(
      `alter table card disable trigger card_content;
       update card a set nonce = b.nonce, ciphertext = b.ciphertext, tag = b.tag, wrapped_key = b.wrapped_key
         from card b where (a.token, b.token) in (('${one}', '${two}'), ('${two}', '${one}'));
       alter table card enable trigger card_content`,
    );
    expect([await forwarded(one), await forwarded(two)]).toMatchObject([
      { code: 'card-unreadable' },
      { code: 'card-unreadable' },
    ]);
  });

  test('the database lets the vault change nothing of a card but its keys', async () => {
    const token = await tokenOf();
    await expect(rig.pool.query(`update card set last4 = '0000' where token = $1`, [token])).rejects.toThrow(
      'does not change',
    );
  });

  test('kill -9 loses security codes and nothing else', async () => {
    const token = await tokenOf();
    await rig.vault().kill9();
    await expect(rig.call('GET', `/cards/${token}`)).rejects.toThrow();
    await rig.restart();
    odd.script = () => ({ status: 200, body: {} });
    await rig.call('POST', '/forward', toOdd(token));
    expect(odd.requests.at(-1)?.body).toEqual({ card: { number } });
    expect(JSON.parse(String((await forwarded(token))['body']))).toMatchObject({ card: { last4: '4242' } });
  });

  test('a wrong key is told, and so is a key that is not there', async () => {
    const token = await tokenOf();
    const kept = rig.environment['VAULT_KEY_FILE'];
    const wrong = `${rig.keyFile}.wrong`;
    writeKeyFile(wrong, 'k1', { k1: randomBytes(32) });
    await rig.restart({ VAULT_KEY_FILE: wrong });
    expect(await forwarded(token)).toMatchObject({ code: 'card-unreadable' });
    writeKeyFile(wrong, 'k9', { k9: randomBytes(32) });
    await rig.restart();
    expect(await forwarded(token)).toMatchObject({ code: 'keys-refused' });
    await rig.restart({ VAULT_KEY_FILE: kept });
    expect(await forwarded(token)).toMatchObject({ status: 200 });
  });

  test('a rotation wraps data keys anew, opens no number, and leaves what does not open', async () => {
    await rig.pool.query('delete from card');
    const tokens = [await tokenOf(), await tokenOf(), await tokenOf()];
    const damaged = tokens[2] ?? '';
    await rig.pool.query('update card set wrapped_key = $2 where token = $1', [damaged, randomBytes(60)]);
    const shown = 'select token, ciphertext, wrapped_key, key_id from card order by token';
    const before = (await rig.pool.query(shown)).rows;
    const file = JSON.parse(readFileSync(rig.keyFile, 'utf8')) as { keys: Record<string, string> };
    writeKeyFile(rig.keyFile, 'k2', {
      k1: Buffer.from(file.keys['k1'] ?? '', 'base64'),
      k2: randomBytes(32),
    });
    const run = await promisify(execFile)(process.execPath, ['vault/rotate-keys.ts'], {
      env: { ...process.env, ...rig.environment },
    }).catch((error: { code: number; stdout: string; stderr: string }) => error);
    expect(run).toMatchObject({ code: 2, stdout: '2 cards were changed.\n' });
    expect(run.stderr).toBe(`${damaged} does not open and was left as it is.\n`);
    const after = (await rig.pool.query(shown)).rows;
    for (const [index, row] of after.entries()) {
      expect(row.ciphertext).toEqual(before[index].ciphertext);
      expect(row.key_id).toBe(row.token === damaged ? 'local:k1' : 'local:k2');
    }
    await rig.restart();
    expect(await forwarded(tokens[0] ?? '')).toMatchObject({ status: 200 });
    const again = await promisify(execFile)(process.execPath, ['vault/rotate-keys.ts', 'fingerprints'], {
      env: {
        ...process.env,
        ...rig.environment,
        VAULT_FINGERPRINT_KEYS: `f2:${randomBytes(32).toString('base64')}`,
      },
    }).catch((error: { code: number; stdout: string }) => error);
    expect(again).toMatchObject({ code: 2, stdout: '2 cards were changed.\n' });
  });

  test('a key management over HTTP keeps the key; away, it is a 503, and the cards are there when it is back', async () => {
    const transit = await startTransitServer('cards');
    const kept = rig.environment;
    const overHttp = {
      VAULT_KEY_FILE: undefined,
      VAULT_TRANSIT_URL: transit.url,
      VAULT_TRANSIT_KEY: 'cards',
      VAULT_TRANSIT_TOKEN: transit.accessToken,
    };
    await rig.pool.query('delete from card');
    await rig.restart(overHttp);
    const token = await tokenOf();
    expect(await forwarded(token)).toMatchObject({ status: 200 });
    expect(transit.requests.map(({ raw }) => raw.toString()).join()).not.toContain(number);

    transit.setSealed(true);
    const refused = await rig.call('POST', '/forward', template(token));
    expect([refused.status, refused.body['code'], refused.headers.get('retry-after')]).toEqual([
      503,
      'keys-unavailable',
      '2',
    ]);
    expect((await rig.tokenise(card)).status).toBe(503);
    expect((await fetch(`${rig.url}/readyz`)).status).toBe(503);
    transit.setSealed(false);
    expect((await fetch(`${rig.url}/readyz`)).status).toBe(200);

    transit.rotate();
    const rotated = await promisify(execFile)(process.execPath, ['vault/rotate-keys.ts'], {
      env: { ...process.env, ...rig.environment },
    });
    expect(rotated.stdout).toBe('1 cards were changed.\n');
    const { rows } = await rig.pool.query<{ key_id: string }>('select key_id from card');
    expect(rows).toEqual([{ key_id: 'transit:cards:v2' }]);
    expect(await forwarded(token)).toMatchObject({ status: 200 });
    await rig.restart({ ...overHttp, VAULT_TRANSIT_TOKEN: 'wrong' });
    expect(await forwarded(token)).toMatchObject({ code: 'keys-refused' });
    await transit.close();
    expect(await forwarded(token)).toMatchObject({ code: 'keys-unavailable' });
    await rig.pool.query('delete from card');
    await rig.restart({ ...kept, VAULT_TRANSIT_URL: undefined, VAULT_TRANSIT_KEY: undefined });
  });

  test('cards can be tried from one address so many times and no more', async () => {
    await rig.restart();
    const statuses: number[] = [];
    for (let tries = 0; tries < 32; tries += 1)
      statuses.push((await rig.tokenise({ ...card, number: '4242424242424241' })).status);
    expect(statuses.slice(0, 30).every((status) => status === 422)).toBe(true);
    expect(statuses.slice(30)).toEqual([429, 429]);
  });

  test('it wrote no number anywhere: not in what it printed, not in its database', async () => {
    const dump = await rig.pool.query('select card::text as line from card');
    const seen = rig.output() + dump.rows.map(({ line }) => line as string).join('\n');
    for (const planted of [number, '5555555555554444', '4242424242424241']) {
      expect(seen).not.toContain(planted);
      expect(seen).not.toContain(Buffer.from(planted).toString('hex'));
    }
    expect(seen).not.toContain(callerSecret);
  });
});
