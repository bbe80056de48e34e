/** The contract can fail: connectors that are broken on purpose, and the scenario that must catch each. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PspConnector } from '#activities/payments/connectors.ts';
import { succeed } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { contractReference, pspContract } from './psp-contract.ts';
import { startRig, type PspRig, type RunningRig } from './psp-rig.ts';

type Breach = {
  readonly breach: string;
  /** Begin of the scenario's name. */
  readonly caughtBy: string;
  breaking(connector: PspConnector): Partial<PspConnector>;
};

const declined: PspOutcome = {
  kind: 'declined',
  pspReference: null,
  declineClass: 'generic',
  rawCode: 'guessed',
  networkCode: null,
};

const retold = (tell: (outcome: PspOutcome) => PspOutcome) => ({
  charging: (connector: PspConnector): Partial<PspConnector> => ({
    authorise: async (order) => tell(await connector.authorise(order)),
  }),
  asking: (connector: PspConnector): Partial<PspConnector> => ({
    status: async (order) => tell(await connector.status(order)),
  }),
  paying: (connector: PspConnector): Partial<PspConnector> => ({
    payout: async (order) => tell(await connector.payout(order)),
  }),
});

const breaches: readonly Breach[] = [
  {
    breach: 'takes a lost answer for a refusal',
    caughtBy: 'a connection cut after the charge',
    breaking: retold((outcome) => (outcome.kind === 'unknown' ? declined : outcome)).charging,
  },
  {
    breach: 'takes an outage for proof that nothing was sent',
    caughtBy: 'an outage, or an answer that cannot be read',
    breaking: retold((outcome) =>
      outcome.kind === 'unknown' ? { kind: 'not_sent', reason: 'guessed' } : outcome,
    ).charging,
  },
  {
    breach: 'gives away the proof of a refused connection',
    caughtBy: 'a refused connection is proof',
    breaking: retold((outcome) =>
      outcome.kind === 'not_sent' ? { kind: 'unknown', reason: 'lost' } : outcome,
    ).charging,
  },
  {
    breach: 'believes a status question that did not leave',
    caughtBy: 'a refused connection is proof',
    breaking: retold((outcome) =>
      outcome.kind === 'unknown' ? { kind: 'not_sent', reason: 'guessed' } : outcome,
    ).asking,
  },
  {
    breach: 'takes an early "not found" for proof',
    caughtBy: 'a late success is never concluded',
    breaking: retold((outcome) =>
      outcome.kind === 'not_found' || outcome.kind === 'unknown'
        ? { kind: 'not_found', authoritative: true }
        : outcome,
    ).asking,
  },
  {
    breach: 'charges under a key of its own',
    caughtBy: 'the same order sent twice charges once',
    breaking: (connector) => {
      let calls = 0;
      return {
        authorise: (order) => {
          calls += 1;
          return connector.authorise({ ...order, reference: `${order.reference}${calls}` });
        },
      };
    },
  },
  {
    breach: 'shows no challenge',
    caughtBy: 'a step-up after a soft decline',
    breaking: retold((outcome) =>
      outcome.kind === 'action' ? { kind: 'pending', pspReference: outcome.pspReference } : outcome,
    ).charging,
  },
  {
    breach: 'gives a card another name with every token',
    caughtBy: 'a card has one name whatever its token',
    breaking: retold((outcome) =>
      outcome.kind === 'approved' && outcome.card
        ? { ...outcome, card: { ...outcome.card, fingerprint: `${outcome.pspReference}-card` } }
        : outcome,
    ).charging,
  },
  {
    breach: 'files every refusal under one class',
    caughtBy: 'a refusal is declined as hard_never',
    breaking: retold((outcome) =>
      outcome.kind === 'declined' ? { ...outcome, declineClass: 'generic' } : outcome,
    ).charging,
  },
  {
    breach: 'calls a payout paid when it was only accepted',
    caughtBy: 'a payout is pending, never paid by its first answer',
    breaking: retold((outcome) =>
      outcome.kind === 'pending'
        ? {
            kind: 'approved',
            pspReference: outcome.pspReference ?? '',
            processed: { amount: '12.34', asset: 'EUR' },
            instrument: null,
          }
        : outcome,
    ).paying,
  },
  {
    breach: 'offers a refused refund again',
    caughtBy: 'a refund is accepted once',
    breaking: (connector) => ({
      refund: async (order) => {
        const outcome = await connector.refund(order);
        return outcome.kind === 'declined' ? { kind: 'not_sent', reason: outcome.rawCode } : outcome;
      },
    }),
  },
  {
    breach: 'takes every webhook',
    caughtBy: 'a webhook with a wrong signature',
    breaking: () => ({
      verifyWebhook: () =>
        succeed([{ externalId: 'x', reference: contractReference, saysApproved: true, body: '{}' }]),
    }),
  },
  {
    breach: 'keeps what a stranger wrote into a webhook',
    caughtBy: 'a webhook about what is not ours',
    breaking: (connector) => ({
      verifyWebhook: (rawBody, headers) => {
        const result = connector.verifyWebhook(rawBody, headers);
        return result.ok
          ? succeed(result.value.map((notice) => ({ ...notice, reference: rawBody.toString().slice(0, 40) })))
          : result;
      },
    }),
  },
];

describe('a connector that breaks the contract', () => {
  let running: RunningRig;

  beforeAll(async () => {
    running = await startRig('alpha');
  }, 30_000);
  afterAll(() => running.stop());
  beforeEach(() => running.rig.scenario({}));

  it.each(breaches.map((breach) => [breach.breach, breach] as const))(
    'is caught when it %s',
    async (_name, { caughtBy, breaking }) => {
      const scenarios = pspContract.filter(({ name }) => name.startsWith(caughtBy));
      expect(scenarios).toHaveLength(1);
      const broken = (connector: PspConnector): PspConnector => ({ ...connector, ...breaking(connector) });
      const rig: PspRig = {
        ...running.rig,
        connector: broken(running.rig.connector),
        connectTo: (url) => broken(running.rig.connectTo(url)),
      };
      await expect((async () => scenarios[0]?.run(rig))()).rejects.toThrow(/expected|to be|to match/i);
    },
  );
});
