/** Counterparties that lie, repeat, race and lose answers, against a whole platform: nobody gains a cent, and the ledger stays proven. */
import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DevSecrets } from '#platform/dev-secrets.ts';
import { depositReference } from '#domain/payments/reference.ts';
import * as acts from '#sandbox/demo/acts.ts';
import type { Cast } from '#sandbox/demo/cast.ts';
import { callJson } from '#sandbox/demo/http.ts';
import { tricks, type Trick } from '#sandbox/game-studio/studio-orders.schema.ts';
import { verifyLedger } from '#test/support/platform-home.ts';

/** A platform that runs, with the folder of its secrets. */
export type RunningPlatform = { readonly cast: Cast; readonly home: string };

let cast: Cast;
let home: string;
let secrets: DevSecrets;
let player: acts.Player;

const balance = async () => (await acts.balanceOf(player)).cash;

/** Whole hundredths of a decimal text. */
const cents = (text: string): bigint => {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(2, '0').slice(0, 2));
};

export function describeHostilePeers(running: () => RunningPlatform): void {
  beforeAll(async () => {
    ({ cast, home } = running());
    secrets = JSON.parse(await readFile(join(home, 'secrets.json'), 'utf8'));
    player = await acts.register(cast);
    await acts.protect(player);
    await acts.deposit(cast, player);
  }, 60_000);

  describe('a game studio that plays tricks', () => {
    let session: string | null;

    beforeAll(async () => {
      ({ session } = await acts.launchGame(cast, player));
    });

    const perform = (trick: Trick, more: { stake?: number; count?: number } = {}) =>
      callJson(`${cast.sandbox.gameStudio}/_scenario/hostile`, {
        body: { session, trick, count: 10, ...more },
      });
    const brokenIn = (report: { expectations: { ok: boolean }[] }) =>
      report.expectations.filter(({ ok }) => !ok);

    /** These read or spend the whole balance in their middle: nothing may be played beside them. */
    const playedAlone: readonly Trick[] = ['burst', 'overdraw', 'late_rollback'];

    test.for(tricks.filter((trick) => trick !== 'burst'))(
      '%s changes no more than it should',
      async (trick) => {
        const report = await perform(trick);
        expect(brokenIn(report)).toEqual([]);
        expect(report.expectations.length).toBeGreaterThan(0);
        expect(report.balance).toMatchObject({ matches: true });
        if (['race', 'conflict', 'overdraw', 'bad_signature', 'odd_amounts', 'malformed'].includes(trick))
          expect(report.totals.net).toBe('0');
      },
    );

    test('all tricks at once are each answered by their rules', async () => {
      const reports = await Promise.all(
        tricks.filter((trick) => !playedAlone.includes(trick)).map((trick) => perform(trick, { count: 5 })),
      );
      expect(reports.map(brokenIn)).toEqual(reports.map(() => []));
    });

    test('the platform comes with the studio’s other dialects: they are played, and strangers answered in their words', async () => {
      const before = cents(await balance());
      let net = 0n;
      for (const [dialect, unitsPerCent] of [
        ['a8r-v2', 10n ** 10n],
        ['a8r-v1', 1n],
      ] as const) {
        const report = await callJson(`${cast.sandbox.gameStudio}/_scenario/play`, {
          body: { dialect, user: player.id, currency: 'EUR', rounds: 20, duplicate: true, rollback: true },
        });
        expect(brokenIn(report)).toEqual([]);
        expect(report.balance).toMatchObject({ matches: true });
        expect(report.totals.betCount).toBe(20);
        net += BigInt(report.totals.net) / unitsPerCent;
      }
      expect(cents(await balance())).toBe(before + net);
      const stranger = await callJson(`${cast.sandbox.gameStudio}/_scenario/hostile`, {
        body: {
          dialect: 'caleta',
          token: 'of-nobody',
          user: player.id,
          currency: 'EUR',
          trick: 'bad_signature',
        },
      });
      expect(brokenIn(stranger)).toEqual([]);
      expect(Object.keys(stranger.statuses)).toEqual([
        'RS_ERROR_INVALID_TOKEN',
        'RS_ERROR_INVALID_SIGNATURE',
      ]);
    });

    test('a burst of bets that together exceed the balance spends what there is and not a unit more', async () => {
      const before = await balance();
      const report = await perform('burst', { stake: 900_000, count: 40 });
      expect(brokenIn(report)).toEqual([]);
      expect(report.balance).toMatchObject({ matches: true });
      expect(report.totals.betCount).toBe(Math.floor(Number(before) / 9));
      expect(report.statuses['RS_ERROR_NOT_ENOUGH_MONEY']).toBe(40 - report.totals.betCount);
      expect(Number(await balance())).toBeLessThan(9);
    });
  });

  describe('webhooks that nobody we know has sent', () => {
    const hmac = (key: string | Buffer, text: string, form: 'hex' | 'base64' = 'hex') =>
      createHmac('sha256', key).update(text).digest(form);

    async function post(path: string, body: string, headers: Record<string, string> = {}) {
      const response = await fetch(`${cast.api}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
      const text = await response.text();
      const code = response.headers.get('content-type')?.includes('problem') ? JSON.parse(text).code : text;
      return `${response.status} ${code}`;
    }

    /** Waits for its challenge, so both dialects can lie about it; the limit of a day leaves room for this one only. */
    let begun: acts.BegunDeposit;
    beforeAll(async () => {
      begun = await acts.beginDeposit(cast, player);
    });

    const nowS = () => Math.floor(Date.now() / 1_000);
    const stripe = (body: string, secret: string, atS = nowS()) => ({
      'stripe-signature': `t=${atS},v1=${hmac(secret, `${atS}.${body}`)}`,
    });
    const stripeEvent = (reference: string) =>
      JSON.stringify({
        id: `evt_${randomUUID()}`,
        object: 'event',
        type: 'payment_intent.succeeded',
        created: nowS(),
        data: {
          object: {
            id: 'pi_forged',
            object: 'payment_intent',
            status: 'succeeded',
            amount: 999_900,
            amount_received: 999_900,
            currency: 'eur',
            metadata: { reference },
          },
        },
      });

    test('stripe’s dialect: forged, unsigned, changed and stale ones are refused; money moves for none', async () => {
      const before = await balance();
      const body = stripeEvent(depositReference(begun.depositId, 1));
      const secret = secrets.pspAlpha.webhookSecret;
      const path = '/webhooks/psp/alpha';
      expect(await post(path, body)).toBe('401 invalid-signature');
      expect(await post(path, body, { 'stripe-signature': 'nonsense' })).toBe('401 invalid-signature');
      expect(await post(path, body, stripe(body, 'whsec_of_somebody_else'))).toBe('401 invalid-signature');
      expect(await post(path, `${body} `, stripe(body, secret))).toBe('401 invalid-signature');
      expect(await post(path, body, stripe(body, secret, nowS() - 3_600))).toBe('401 stale-signature');
      expect(await post('/webhooks/psp/nobody', body, stripe(body, secret))).toBe('404 not-found');

      // With the true secret it is taken, thrice, and believed in nothing: the PSP is asked.
      const genuine = stripe(body, secret);
      for (const _ of [1, 2, 3]) expect(await post(path, body, genuine)).toMatch(/^200 /);
      const unknown = stripeEvent(depositReference(randomUUID(), 1));
      expect(await post(path, unknown, stripe(unknown, secret))).toMatch(/^200 /);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect((await player.call(`/v1/deposits/${begun.depositId}`)).state).toBe('awaiting-action');
      expect(await balance()).toBe(before);
    });

    test('adyen’s dialect: the signature covers amount and reference, and a repeat of a true one credits nothing twice', async () => {
      const before = await balance();
      const { pspBeta } = secrets;
      const item = {
        eventCode: 'AUTHORISATION',
        pspReference: `F${randomUUID().slice(0, 15).toUpperCase()}`,
        merchantReference: depositReference(begun.depositId, 2),
        amount: { value: 20_000, currency: 'EUR' },
        success: 'true',
        merchantAccountCode: pspBeta.merchantAccount,
      };
      const signed = (key: string) =>
        hmac(
          Buffer.from(key, 'hex'),
          [
            item.pspReference,
            '',
            item.merchantAccountCode,
            item.merchantReference,
            item.amount.value,
            'EUR',
            item.eventCode,
            'true',
          ].join(':'),
          'base64',
        );
      const notice = (change: object, key?: string) =>
        JSON.stringify({
          live: 'false',
          notificationItems: [
            {
              NotificationRequestItem: {
                ...item,
                ...change,
                ...(key ? { additionalData: { hmacSignature: signed(key) } } : {}),
              },
            },
          ],
        });
      const path = '/webhooks/psp/beta';
      expect(await post(path, notice({}))).toBe('401 invalid-signature');
      expect(await post(path, notice({}, 'ab'.repeat(32)))).toBe('401 invalid-signature');
      expect(
        await post(path, notice({ amount: { value: 99_900_000, currency: 'EUR' } }, pspBeta.hmacKey)),
      ).toBe('401 invalid-signature');
      expect(
        await post(path, notice({ merchantReference: depositReference(randomUUID(), 1) }, pspBeta.hmacKey)),
      ).toBe('401 invalid-signature');
      expect(await post(path, '{"notificationItems": [')).toBe('401 invalid-signature');
      expect((await player.call(`/v1/deposits/${begun.depositId}`)).state).toBe('awaiting-action');
      expect(await balance()).toBe(before);

      await acts.passChallenge(begun.challengeUrl);
      await acts.awaitCapture(player, begun.depositId);
      const credited = await balance();
      expect(Number(credited) - Number(before)).toBe(200);
      for (const _ of [1, 2, 3]) expect(await post(path, notice({}, pspBeta.hmacKey))).toMatch(/^200 /);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(await balance()).toBe(credited);
    });

    test('the KYC vendor’s: forged ones are refused, old ones change nothing, and a true one only makes us ask', async () => {
      const other = await acts.register(cast);
      await other.call('/v1/limits', {
        body: { kind: 'deposit', window: 'day', money: { amount: '50.00', asset: 'EUR' } },
        idempotencyKey: randomUUID(),
      });
      const opened = await other.call('/v1/kyc/verifications', {
        body: { level: 'L1' },
        idempotencyKey: randomUUID(),
      });
      const secret = secrets.kycVendor.webhookSecret;
      const event = (createdAtMs: number) =>
        JSON.stringify({
          applicantId: 'applicant-of-nobody',
          externalUserId: opened.verificationId,
          type: 'applicantReviewed',
          reviewStatus: 'completed',
          reviewResult: { reviewAnswer: 'GREEN' },
          createdAtMs,
        });
      const digest = (body: string, key: string, algorithm = 'HMAC_SHA256_HEX') => ({
        'x-payload-digest-alg': algorithm,
        'x-payload-digest': hmac(key, body),
      });
      const path = '/webhooks/kyc/vendor';
      const body = event(Date.now());
      expect(await post(path, body)).toBe('401 invalid-signature');
      expect(await post(path, body, digest(body, 'a secret of somebody else'))).toBe('401 invalid-signature');
      expect(await post(path, body, digest(body, secret, 'HMAC_SHA1_HEX'))).toBe('401 invalid-signature');
      expect(await post(path, body.replace('GREEN', 'RED'), digest(body, secret))).toBe(
        '401 invalid-signature',
      );
      const old = event(Date.now() - 30 * 86_400_000);
      expect(await post(path, old, digest(old, secret))).toMatch(/^200 .*(stale|unknown-applicant)/);
      expect(await post(path, body, digest(body, secret))).toMatch(/^200 /);
      expect(await post(path, body, digest(body, secret))).toMatch(/^200 .*duplicate/);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect((await other.call(`/v1/kyc/verifications/${opened.verificationId}`)).state).not.toBe('approved');
      expect(await other.call('/v1/kyc/level')).toEqual({ level: 'L0' });
    });
  });

  test('after all of it the ledger is proven', async () => {
    expect(Number(await balance())).toBeGreaterThanOrEqual(0);
    expect(await verifyLedger(home)).toContain('The ledger is proven.');
  }, 30_000);
}
