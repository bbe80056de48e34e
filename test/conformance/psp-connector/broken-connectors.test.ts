/** The contract can fail: connectors that are broken on purpose, and the scenario that must catch each. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type {
  PspConnector,
  PspDisputes,
  PspModifications,
  PspSettlement,
} from '#activities/payments/connectors.ts';
import { succeed } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { contractReference, pspContract } from './psp-contract.ts';
import { startRig, type PspRig, type RunningRig } from './psp-rig.ts';

type Breach = {
  /** The PSP whose connector is broken; alpha without it. */
  readonly rig?: 'alpha' | 'gamma';
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

const modifying =
  (broken: (parts: PspModifications) => Partial<PspModifications>) =>
  (connector: PspConnector): Partial<PspConnector> => {
    const parts = connector.modifications;
    if (parts === undefined) throw new Error('the connector captures nothing');
    return { modifications: { ...parts, ...broken(parts) } };
  };

const disputing =
  (broken: (parts: PspDisputes) => Partial<PspDisputes>) =>
  (connector: PspConnector): Partial<PspConnector> => {
    const parts = connector.disputes;
    if (parts === undefined) throw new Error('the connector speaks of no disputes');
    return { disputes: { ...parts, ...broken(parts) } };
  };

const settling =
  (broken: (parts: PspSettlement) => Partial<PspSettlement>) =>
  (connector: PspConnector): Partial<PspConnector> => {
    const parts = connector.settlement;
    if (parts === undefined) throw new Error('the connector reads no files');
    return { settlement: { ...parts, ...broken(parts) } };
  };

const breachesOfDisputes: readonly Breach[] = [
  {
    rig: 'gamma',
    breach: 'takes the notice of a dispute for one of its charge',
    caughtBy: 'a chargeback is told by its notice',
    breaking: (connector) => ({
      verifyWebhook: (rawBody, headers) => {
        const result = connector.verifyWebhook(rawBody, headers);
        return result.ok ? succeed(result.value.map(({ dispute: _lost, ...notice }) => notice)) : result;
      },
    }),
  },
  {
    rig: 'gamma',
    breach: 'forgets the deadline for evidence',
    caughtBy: 'a chargeback is told by its notice',
    breaking: disputing((parts) => ({
      dispute: async (order) => {
        const told = await parts.dispute(order);
        return told.kind === 'told' ? { ...told, evidenceDueAt: null } : told;
      },
    })),
  },
  {
    rig: 'gamma',
    breach: 'calls evidence refused because it was taken before',
    caughtBy: 'evidence is submitted once',
    breaking: (connector) => {
      let sent = 0;
      return disputing((parts) => ({
        submitEvidence: async (order, text) => {
          sent += 1;
          return sent > 1 ? { kind: 'refused', rawCode: 'state' } : parts.submitEvidence(order, text);
        },
      }))(connector);
    },
  },
  {
    rig: 'gamma',
    breach: 'gives no money back with a win',
    caughtBy: 'a dispute that was won gives the money back',
    breaking: disputing((parts) => ({
      dispute: async (order) => {
        const told = await parts.dispute(order);
        return told.kind === 'told'
          ? { ...told, movements: told.movements.filter(({ kind }) => kind === 'withdrawn') }
          : told;
      },
    })),
  },
  {
    rig: 'gamma',
    breach: 'gives money back for a dispute that nobody answered',
    caughtBy: 'a dispute that was lost, given in to or left to expire',
    breaking: disputing((parts) => ({
      dispute: async (order) => {
        const told = await parts.dispute(order);
        return told.kind === 'told' && told.status === 'lost' ? { ...told, status: 'won' } : told;
      },
    })),
  },
  {
    rig: 'gamma',
    breach: 'takes a question that did not get through for a lost dispute',
    caughtBy: 'an old word about a dispute never moves it back',
    breaking: disputing((parts) => ({
      dispute: async (order) => {
        const told = await parts.dispute(order);
        return told.kind === 'told'
          ? told
          : {
              kind: 'told',
              stage: 'chargeback',
              status: 'lost',
              reason: null,
              evidenceDueAt: null,
              money: null,
              movements: [],
            };
      },
    })),
  },
  {
    rig: 'gamma',
    breach: 'books the amount of a line without its fee',
    caughtBy: 'the file of the day tells each movement once',
    breaking: settling((parts) => ({
      async *parseSettlement(content) {
        for await (const line of parts.parseSettlement(content)) yield { ...line, fee: 0n };
      },
    })),
  },
  {
    rig: 'gamma',
    breach: 'reads a truncated file as far as it goes',
    caughtBy: 'the file of the day tells each movement once',
    breaking: settling((parts) => ({
      async *parseSettlement(content) {
        try {
          yield* parts.parseSettlement(content);
        } catch {
          // As a reader that stops at the first line it cannot read.
        }
      },
    })),
  },
];

const breaches: readonly Breach[] = [
  ...breachesOfDisputes,
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
    breach: 'calls every authentication Y',
    caughtBy: 'an authentication that ended A (attempted)',
    breaking: retold((outcome) =>
      outcome.kind === 'approved' && outcome.threeDs
        ? { ...outcome, threeDs: { ...outcome.threeDs, transStatus: 'Y' } }
        : outcome,
    ).charging,
  },
  {
    breach: 'asks the player again although another PSP has authenticated him',
    caughtBy: 'an authentication of another PSP is taken over',
    breaking: (connector) => ({
      authorise: (order) => connector.authorise({ ...order, portable: null }),
    }),
  },
  {
    breach: 'lets the cryptogram out with an outcome',
    caughtBy: 'no outcome carries a cryptogram',
    breaking: (connector) => ({
      // As an answer that was passed on whole.
      status: async (order) => ({ ...(await connector.status(order)), raw: 'cavv' }),
    }),
  },
  {
    breach: 'takes the money where it should only be held',
    caughtBy: 'a capture in part moves that part',
    breaking: (connector) => ({
      authorise: (order) => connector.authorise({ ...order, captureMode: 'automatic' }),
    }),
  },
  {
    breach: 'captures all where a part was asked for',
    caughtBy: 'a capture in part moves that part',
    breaking: modifying((parts) => ({
      modify: (order) => parts.modify({ ...order, money: { amount: '12.34', asset: 'EUR' } }),
    })),
  },
  {
    breach: 'calls every capture the last',
    caughtBy: 'several captures move each its own part',
    breaking: modifying((parts) => ({ modify: (order) => parts.modify({ ...order, isFinal: true }) })),
  },
  {
    breach: 'takes the capture before for this one',
    caughtBy: 'a further capture without an answer is not taken',
    breaking: modifying((parts) => ({
      modificationStatus: (order) =>
        parts.modificationStatus({ ...order, capturedBefore: { amount: '0.00', asset: 'EUR' } }),
    })),
  },
  {
    breach: 'calls a refused capture done',
    caughtBy: 'a capture beyond the authorisation is refused',
    breaking: modifying((parts) => ({
      modify: async (order) => {
        const outcome = await parts.modify(order);
        return outcome.kind === 'declined' ? { kind: 'pending', pspReference: null } : outcome;
      },
      modificationStatus: (order) =>
        Promise.resolve({ kind: 'approved', pspReference: 'x', processed: order.money, instrument: null }),
    })),
  },
  {
    breach: 'takes a capture whose answer was lost for one that never left',
    caughtBy: 'a capture without an answer is unknown',
    breaking: modifying((parts) => ({
      modify: async (order) => {
        const outcome = await parts.modify(order);
        return outcome.kind === 'unknown' ? { kind: 'not_sent', reason: 'guessed' } : outcome;
      },
    })),
  },
  {
    breach: 'keeps a wallet as if it were a card',
    caughtBy: 'a wallet sends the player away',
    breaking: (connector) => ({
      continueAfterAction: async (order) => {
        const outcome = await connector.continueAfterAction(order);
        const instrument = { token: 'x', cardBrand: null, last4: null, expiryMonth: null, expiryYear: null };
        return outcome.kind === 'approved' ? { ...outcome, instrument } : outcome;
      },
    }),
  },
  {
    breach: 'calls a wallet that takes its time paid',
    caughtBy: 'a wallet that takes its time is pending until it is declined',
    breaking: (connector) => ({
      continueAfterAction: async (order) => {
        const outcome = await connector.continueAfterAction(order);
        return outcome.kind === 'pending'
          ? { kind: 'approved', pspReference: 'x', processed: order.money, instrument: null }
          : outcome;
      },
    }),
  },
  {
    breach: 'looks for a lost charge around another instant than that of its call',
    caughtBy: 'a charge whose answer was lost is found though our clock is 20 minutes off',
    breaking: (connector) => ({
      status: (order) => connector.status({ ...order, sentAt: new Date(0) }),
    }),
  },
  {
    breach: 'asks about what is closed by doing it again',
    caughtBy: 'a question about a call that is closed',
    breaking: (connector) => ({ status: (order) => connector.authorise(order) }),
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
  let rigs: Record<'alpha' | 'gamma', RunningRig>;

  beforeAll(async () => {
    const [alpha, gamma] = await Promise.all([startRig('alpha'), startRig('gamma')]);
    rigs = { alpha, gamma };
  }, 30_000);
  afterAll(() => Promise.all([rigs.alpha.stop(), rigs.gamma.stop()]));
  beforeEach(() => Promise.all([rigs.alpha.rig.scenario({}), rigs.gamma.rig.scenario({})]));

  it.each(breaches.map((breach) => [breach.breach, breach] as const))(
    'is caught when it %s',
    async (_name, { rig: name = 'alpha', caughtBy, breaking }) => {
      const running = rigs[name];
      const scenarios = pspContract.filter(({ name }) => name.startsWith(caughtBy));
      expect(scenarios).toHaveLength(1);
      const broken = (connector: PspConnector): PspConnector => ({ ...connector, ...breaking(connector) });
      const rig: PspRig = {
        ...running.rig,
        connector: broken(running.rig.connector),
        connectTo: (url) => broken(running.rig.connectTo(url)),
      };
      await expect((async () => scenarios[0]?.run(rig))()).rejects.toThrow(
        /expected|to be|to match|to equal|to deeply/i,
      );
    },
  );
});
