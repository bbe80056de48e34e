/** What the studio writes and signs in each dialect, against the vectors and bodies of the dialects' descriptions. */
import { generateKeyPairSync, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { createA8rV1Wire, createA8rV2Wire } from './a8r-wire.ts';
import { decimalText, parseDecimalText } from './decimal-text.ts';
import { isRequestSigned, signRequest } from './hmac-signature.ts';
import { createCaletaWire, createHub88Wire } from './rs-wire.ts';
import type { Round, WalletTransaction } from './round-book.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsa = { walletUrl: 'http://wallet', privateKey };
const hmac = { walletUrl: 'http://wallet', token: 'test-auth-token-xyz' };

const round: Round = {
  dialect: 'hub88',
  token: '55b7518e-b89e-11e7-81be-58404eea6d16',
  user: 'john12345',
  currency: 'EUR',
  gameCode: 'clt_dragonrising',
  id: 'rNEMwgzJAOZ6eR3V',
  status: 'open',
  reward: null,
};
const bet: WalletTransaction = {
  uuid: '16d2dcfe-b89e-11e7-854a-58404eea6d16',
  roundId: round.id,
  requestUuid: '583c985f-fee6-4c0e-bbf5-308aad6265af',
  kind: 'bet',
  amount: 100_500n,
  referenceUuid: null,
  closesRound: false,
  state: 'decided',
  status: null,
  attempts: 0,
  jackpot: 0n,
  promo: null,
};

test.each([
  ['{"player_id":"u1","currency":"EUR"}', '53d22c721397abe742700d4fc12f88d33e68ae02b5a156704ee901dfe8e616fe'],
  [
    '{"player_id":"u1","round_id":"r1","game_id":"acme:test","currency":"EUR","provider":"acme","transactions":[{"id":"t1","type":"bet","amount":"1.50"},{"id":"t2","type":"win","amount":"0.123456789012","bet_id":"t1"}]}',
    '83c66975f841663e16cf2871a901589ecd6d0004c76985e364c8d19543fc7e7e',
  ],
])('the a8r vector %s', (body, signature) => {
  expect(signRequest(body, hmac.token)).toBe(signature);
  expect(isRequestSigned(Buffer.from(body), signature, hmac.token)).toBe(true);
  expect(isRequestSigned(Buffer.from(body), signature.toUpperCase(), hmac.token)).toBe(false);
  expect(isRequestSigned(Buffer.from(`${body} `), signature, hmac.token)).toBe(false);
});

test('the vector of the v1 header variant', () => {
  const body = '{"user_id":"8|USDT|USD","currency":"USD","game":"acceptance:test"}';
  expect(signRequest(body, 'test')).toBe('442c4cd8926008096225416b21f5a1862fbf4fc4e5224362e3b463e85a39f40a');
});

test('a Hub88 bet has the fields of the described one, and a signature that its key made over these bytes', () => {
  const wire = createHub88Wire(rsa);
  const { path, text } = wire.transactions(round, [bet]);
  expect(path).toBe('/transaction/bet');
  expect(JSON.parse(text)).toEqual(
    JSON.parse(
      '{"request_uuid":"583c985f-fee6-4c0e-bbf5-308aad6265af","token":"55b7518e-b89e-11e7-81be-58404eea6d16","user":"john12345","currency":"EUR","amount":100500,"transaction_uuid":"16d2dcfe-b89e-11e7-854a-58404eea6d16","round":"rNEMwgzJAOZ6eR3V","round_closed":false,"is_free":false,"game_code":"clt_dragonrising"}',
    ),
  );
  const signature = Buffer.from(wire.proof(text)['x-hub88-signature'] ?? '', 'base64');
  expect(verify('RSA-SHA256', Buffer.from(text), publicKey, signature)).toBe(true);
  const forged = Buffer.from(wire.proof(text, true)['x-hub88-signature'] ?? '', 'base64');
  expect(verify('RSA-SHA256', Buffer.from(text), publicKey, forged)).toBe(false);
});

test('Caleta calls the player by another name, on other paths, under another header, and stamps the time', () => {
  const wire = createCaletaWire(rsa);
  const win = wire.transactions({ ...round, reward: { id: 'r', campaign: 'c' } }, [
    { ...bet, kind: 'win', referenceUuid: 'b' },
  ]);
  expect(win.path).toBe('/wallet/win');
  expect(JSON.parse(win.text)).toMatchObject({
    supplier_user: 'john12345',
    reference_transaction_uuid: 'b',
    is_free: true,
    reward_uuid: 'r',
    campaign_uuid: 'c',
  });
  expect(JSON.parse(win.text)).not.toHaveProperty('user');
  const proof = wire.proof(win.text);
  expect(Object.keys(proof)).toEqual(['x-auth-signature', 'x-msg-timestamp']);
  expect(proof['x-msg-timestamp']).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00$/);
});

test('jackpots and promotions go by the words that each dialect has', () => {
  const win: WalletTransaction = { ...bet, kind: 'win', referenceUuid: 'b', jackpot: 40n };
  const bodyOf = (wire: ReturnType<typeof createHub88Wire>, transaction: WalletTransaction) =>
    JSON.parse(wire.transactions(round, [transaction]).text) as object;
  expect(bodyOf(createCaletaWire(rsa), win)).toMatchObject({ jackpot_win: 40 });
  expect(bodyOf(createHub88Wire(rsa), win)).not.toHaveProperty('jackpot_win');
  expect(bodyOf(createA8rV1Wire(hmac), { ...bet, jackpot: 1n })).toMatchObject({
    actions: [{ jackpot_contribution: 1 }],
  });
  expect(bodyOf(createA8rV1Wire(hmac), win)).toMatchObject({ actions: [{ jackpot_win: 40 }] });
  const promo = bodyOf(createHub88Wire(rsa), { ...win, referenceUuid: null, promo: 'p1' });
  expect(promo).toMatchObject({
    is_free: true,
    is_supplier_promo: true,
    meta: { supplier_promo_info: { promo_reference: 'p1' } },
  });
  expect(promo).not.toHaveProperty('reference_transaction_uuid');
});

test('a rollback carries neither amount nor currency', () => {
  const rollback: WalletTransaction = { ...bet, kind: 'rollback', referenceUuid: 'b' };
  for (const wire of [createHub88Wire(rsa), createCaletaWire(rsa)]) {
    const body = JSON.parse(wire.transactions(round, [rollback]).text) as object;
    expect(body).not.toHaveProperty('amount');
    expect(body).not.toHaveProperty('currency');
  }
});

test('one batch in both a8r versions: decimal text here, whole subunits there', () => {
  const game = { ...round, gameCode: 'pbs:dragonvault' };
  const win: WalletTransaction = {
    ...bet,
    uuid: 'w',
    kind: 'win',
    referenceUuid: bet.uuid,
    closesRound: true,
  };
  const v2 = createA8rV2Wire(hmac).transactions(game, [
    { ...bet, amount: 1_500_000_000_000n },
    { ...win, amount: 123_456_789_012n },
  ]);
  expect(v2.path).toBe('/v2/a8r_casino.Round/BetWin');
  expect(JSON.parse(v2.text)).toEqual({
    player_id: 'john12345',
    round_id: round.id,
    game_id: 'pbs:dragonvault',
    currency: 'EUR',
    provider: 'pbs',
    transactions: [
      { id: bet.uuid, type: 'bet', amount: '1.5' },
      { id: 'w', type: 'win', amount: '0.123456789012', bet_id: bet.uuid },
    ],
  });
  const v1 = createA8rV1Wire(hmac).transactions(game, [
    { ...bet, amount: 150n },
    { ...win, amount: 12n },
  ]);
  expect(v1.path).toBe('/play');
  expect(JSON.parse(v1.text)).toEqual({
    user_id: 'john12345',
    currency: 'EUR',
    game: 'pbs:dragonvault',
    game_id: round.id,
    finished: true,
    actions: [
      { action: 'bet', amount: 150, action_id: bet.uuid },
      { action: 'win', amount: 12, action_id: 'w' },
    ],
  });
});

test('answers are read to the last digit, and what nobody can read is no answer', () => {
  const v2 = createA8rV2Wire(hmac);
  expect(v2.read(200, '{"balance":"9007199254740993.000000000001"}').balance).toBe(
    9_007_199_254_740_993_000_000_000_001n,
  );
  expect(v2.read(400, '{"code":"invalid_argument","meta":{"api_code":"100","balance":"0.5"}}')).toMatchObject(
    {
      status: '100',
      balance: 500_000_000_000n,
    },
  );
  expect(createA8rV1Wire(hmac).read(412, '{"code":100,"message":"Not enough funds"}').status).toBe('100');
  expect(createHub88Wire(rsa).read(502, '{"status":"RS_OK"}').status).toBeUndefined();
  for (const wire of [v2, createA8rV1Wire(hmac), createHub88Wire(rsa)])
    expect(wire.verdict('win', wire.read(500, '<html>').status)).toBe('unknown');
});

test('decimal text and whole units are exact both ways', () => {
  expect(decimalText(0n, 12)).toBe('0');
  expect(decimalText(1n, 12)).toBe('0.000000000001');
  expect(parseDecimalText('1.50', 2)).toBe(150n);
  for (const odd of ['', '1.', '.5', '-1', '1e3', '1.234']) expect(parseDecimalText(odd, 2)).toBeUndefined();
});
