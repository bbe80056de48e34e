/** What the `cryptoDeposit` workflow does: look at the chain, credit once at the depth that was asked for, take back what the chain took back. */
import { sql } from 'kysely';
import type { Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { currentProfile } from '#activities/compliance/profiles.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import {
  releaseDepositLimit,
  reserveDepositLimit,
} from '#activities/responsible-gambling/commands/deposit-limit.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsCryptoDeposit } from '#db/schema.generated.ts';
import { orThrow } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { addressText } from '#domain/payments/lists.ts';
import type { PaymentRule } from '#domain/payments/payment-rules.ts';
import {
  cryptoDepositStateOf,
  parkedBudgetMs,
  passingReasons,
  stepDeposit,
  type ChainLook,
  type CryptoDepositState,
} from '#domain/payments/crypto/deposit-state.ts';
import type { ActivityDeps } from '../../deps.ts';
import { closeWorkItems, openWorkItem } from '../commands/work-items.ts';
import { judgeEligibility, type EligibilityDecision } from '../decide-eligibility.ts';
import { judgePayment, type JudgedPayment } from '../judge-payment.ts';
import { readPayer } from '../payer-facts.ts';
import { currentPaymentRules } from '../payment-limits.ts';
import { takeUses } from '../payment-uses.ts';
import { recordDecisions } from '../record-decisions.ts';
import { currentDepositRules, type DepositRules } from '../routing-rules.ts';
import { evmPsp, type Evm } from './evm-deps.ts';
import { uuidOf, wasRead } from './watch-blocks.ts';

export type CryptoDepositRow = Selectable<PaymentsCryptoDeposit>;

export type CryptoStanding = {
  readonly state: CryptoDepositState;
  /** Until it is worth looking again. */
  readonly pauseMs: number;
  /** Nothing more will happen by itself; a reorganisation starts the workflow anew. */
  readonly isOver: boolean;
};

/** How old the chain's answer may be when money is credited on it. */
const lookFreshMs = 5_000;
const limitPauseMs = 6 * 3_600_000;
const absentPauseMs = 10 * 60_000;
const takenBackPauseMs = 10_000;

export function createCryptoDepositActivities(deps: Pick<ActivityDeps, 'db' | 'evm' | 'keyRing'>) {
  const { db } = deps;
  return {
    /**
     * Looks at the chain and at once takes the one step that is due. Repeating it is harmless. No transaction is open
     * while the node answers; the step is taken only if the row is still what was looked at, and the look is fresh: a
     * watcher that has seen the block go meanwhile has changed the row.
     */
    async followCryptoDeposit({
      cryptoDepositId,
    }: {
      readonly cryptoDepositId: string;
    }): Promise<CryptoStanding> {
      const { evm } = deps;
      if (evm === null) return { state: 'seen', pauseMs: absentPauseMs, isOver: false };
      const known = await read(db, cryptoDepositId).executeTakeFirstOrThrow();
      const [rules, { eligibility }] = await Promise.all([
        currentPaymentRules(db, known.brand),
        currentDepositRules(db, known.brand),
      ]);
      const look = await lookAt(db, evm, known);
      const lookedAtMs = Date.now();
      return db.transaction().execute(async (trx) => {
        const row = await read(trx, cryptoDepositId).forUpdate().executeTakeFirstOrThrow();
        const state = cryptoDepositStateOf(row.state);
        const isStale = row.blockHash !== known.blockHash || row.state !== known.state;
        if (isStale || Date.now() - lookedAtMs > lookFreshMs) return { state, pauseMs: 1_000, isOver: false };
        const ageMs = await ageOf(trx, row);
        if (state === 'parked' && !(passingReasons.has(row.reason ?? '') && ageMs < parkedBudgetMs)) {
          // Dust is everybody's to send: an item for each would bury the others.
          if (row.reason !== 'below-minimum') await park(trx, row, { code: row.reason ?? '' });
          return { state, pauseMs: 0, isOver: true };
        }
        const step = stepDeposit(state, look, {
          depthRequired: row.depthRequired,
          finalDepth: Math.max(evm.chain.finalDepth, row.depthRequired),
          ageMs,
        });
        switch (step) {
          case 'credit':
            return credit(trx, { ...deps, rules, eligibility }, row);
          case 'reverse':
            return reverse(trx, row);
          case 'confirm':
            await set(trx, row, 'confirming', null);
            return standing(evm, row, 'confirming', look);
          case 'unsee':
            await set(trx, row, 'seen', 'its block left the chain');
            return standing(evm, row, 'seen', look);
          case 'drop':
            await set(trx, row, 'dropped', 'no block holds it');
            return { state: 'dropped', pauseMs: 0, isOver: true };
          case 'done':
            return { state, pauseMs: 0, isOver: true };
          case 'wait':
            return state === 'parked'
              ? { state, pauseMs: limitPauseMs, isOver: false }
              : standing(evm, row, state, look);
        }
      });
    },
  };
}

const read = (db: Database | Trx, id: string) =>
  db.selectFrom('payments.cryptoDeposit').selectAll().where('id', '=', id);

async function ageOf(trx: Trx, row: CryptoDepositRow): Promise<number> {
  const { ageMs } = await trx
    .selectNoFrom(
      sql<number>`(extract(epoch from now() - ${row.state === 'parked' ? row.seenAt : row.changedAt}::timestamptz) * 1000)::float8`.as(
        'ageMs',
      ),
    )
    .executeTakeFirstOrThrow();
  return ageMs;
}

/**
 * One answer of a node that is behind its chain looks like a reorganisation. So a transfer is absent only if the watcher,
 * which follows the chain block by block, has come to that, and no block holds its transaction either. Where one does, and
 * the watcher has read it and not found this transfer there, it is gone all the same: a log's number counts the logs of
 * its whole block, so the same transaction in another block may make a transfer of another key, or may have failed.
 */
async function lookAt(db: Database, evm: Evm, row: CryptoDepositRow): Promise<ChainLook> {
  if (row.blockHeight === null || row.blockHash === null) {
    const receipt = await evm.node.receipt(row.txHash);
    const isGone = receipt === null || (await wasRead(db, evm, receipt));
    return { kind: isGone ? 'absent' : 'unknown' };
  }
  const head = await evm.node.head();
  const block = await evm.node.block(row.blockHeight);
  if (block?.hash !== row.blockHash || head.height < row.blockHeight) return { kind: 'unknown' };
  return { kind: 'in-chain', depth: Number(head.height - row.blockHeight) + 1 };
}

function standing(
  evm: Evm,
  row: CryptoDepositRow,
  state: CryptoDepositState,
  look: ChainLook,
): CryptoStanding {
  if (look.kind === 'absent') return { state, pauseMs: absentPauseMs, isOver: false };
  if (look.kind === 'unknown') return { state, pauseMs: evm.chain.blockMs, isOver: false };
  const goal = state === 'credited' ? evm.chain.finalDepth : row.depthRequired;
  const blocks = Math.max(1, Math.min(goal - look.depth, 5));
  return { state, pauseMs: blocks * evm.chain.blockMs, isOver: false };
}

async function set(
  trx: Trx,
  row: CryptoDepositRow,
  state: CryptoDepositState,
  reason: string | null,
): Promise<void> {
  await trx
    .updateTable('payments.cryptoDeposit')
    .set({ state, reason, changedAt: sql<Date>`now()` })
    .where('id', '=', row.id)
    .execute();
}

/** The player hears the code, staff also hear which rule or entry said no. */
async function park(
  trx: Trx,
  row: CryptoDepositRow,
  { code: reason, by }: { readonly code: string; readonly by?: string },
): Promise<CryptoStanding> {
  if (row.state !== 'parked' || row.reason !== reason) await set(trx, row, 'parked', reason);
  await openWorkItem(trx, {
    kind: 'parked-crypto-deposit',
    subject: `crypto-deposit:${row.id}`,
    brand: row.brand,
    reason: by === undefined ? reason : `${reason}, by ${by}`,
  });
  return { state: 'parked', pauseMs: limitPauseMs, isOver: !passingReasons.has(reason) };
}

/**
 * Credits as a deposit of the platform. Money on a chain cannot be refused, so what the player's protection, a rule of
 * the brand or a black list forbids is parked: not credited, and shown to a person.
 */
async function credit(trx: Trx, judge: Judge, row: CryptoDepositRow): Promise<CryptoStanding> {
  if (await isStillCreditedElsewhere(trx, row))
    return { state: cryptoDepositStateOf(row.state), pauseMs: takenBackPauseMs, isOver: false };
  const player = await trx
    .selectFrom('pam.player')
    .select(['status', 'jurisdiction'])
    .where('id', '=', row.playerId)
    .executeTakeFirstOrThrow();
  if (player.status !== 'active') return park(trx, row, { code: `player-${player.status}` });
  const { version, profile } = orThrow(await currentProfile(trx, player.jurisdiction));
  const amount = BigInt(row.amount);
  const number = 1 + (await creditsOf(trx, row.id));
  const depositId = uuidOf(`${row.chain}:${row.txHash}:${row.logIndex}:${number}`);
  await openWallet(trx, {
    playerId: row.playerId,
    asset: row.asset,
    brand: row.brand,
    jurisdiction: row.jurisdiction,
  });
  const judged = await judgeTransfer(trx, judge, row, player.jurisdiction);
  await recordDecisions(
    trx,
    { paymentId: depositId, playerId: row.playerId, brand: row.brand },
    { eligibility: judged.decision, route: null, threeDs: null },
  );
  if (judged.refusal !== null) return park(trx, row, judged.refusal);
  // What is refused after it was reserved or counted is undone; the parking is not.
  await sql`savepoint reserved`.execute(trx);
  const reserved = await reserveDepositLimit(trx, {
    playerId: row.playerId,
    asset: row.asset,
    amount,
    depositId,
    isLimitRequired: profile.depositLimitRequiredBeforeFirstDeposit,
  });
  const refusal = reserved.ok ? await count(trx, row, judged, depositId) : reserved.failure;
  if (refusal !== null) {
    await sql`rollback to savepoint reserved`.execute(trx);
    return park(trx, row, refusal);
  }
  await trx
    .insertInto('payments.deposit')
    .values({
      id: depositId,
      playerId: row.playerId,
      brand: row.brand,
      jurisdiction: player.jurisdiction,
      jurisdictionVersion: version,
      method: 'crypto',
      asset: row.asset,
      amount: row.amount,
      options: '[]',
      routeVersion: 0,
      returnUrl: '',
      fingerprint: Buffer.from(row.txHash.slice(2), 'hex'),
      state: 'processing',
    })
    .execute();
  const subject = `deposit:${depositId}`;
  orThrow(
    await postTransfer(trx, {
      key: `${subject}:capture`,
      playerId: row.playerId,
      asset: row.asset,
      amount,
      subject,
      transfer: { code: 'deposit.capture', psp: evmPsp },
    }),
  );
  // The wallet's row lock is held by now, so two first deposits of one player cannot both be the first.
  const earlier = await trx
    .selectFrom('payments.deposit')
    .select('id')
    .where('playerId', '=', row.playerId)
    .where('state', '=', 'captured')
    .limit(1)
    .executeTakeFirst();
  const first = earlier === undefined;
  await trx
    .updateTable('payments.deposit')
    .set({ state: 'captured', capturedAt: sql<Date>`now()`, capturedPsp: evmPsp, first })
    .where('id', '=', depositId)
    .execute();
  await trx
    .insertInto('payments.cryptoCredit')
    .values({ cryptoDepositId: row.id, number, depositId, blockHash: row.blockHash ?? '' })
    .execute();
  await set(trx, row, 'credited', null);
  if (judged.isGrey)
    await openWorkItem(trx, {
      kind: 'listed-deposit',
      subject,
      brand: row.brand,
      reason: 'an entry of the grey list matches',
    });
  await closeWorkItems(trx, `crypto-deposit:${row.id}`, ['parked-crypto-deposit'], 'credited');
  const money = toMoneyText(amount, row.asset);
  const who = { version: 1, brand: row.brand, playerId: row.playerId } as const;
  await appendEvent(
    trx,
    { type: 'payments.deposit.requested', ...who, payload: { depositId, money } },
    byWorkflow(row, subject),
  );
  await appendEvent(
    trx,
    { type: 'payments.deposit.captured', ...who, payload: { depositId, money, psp: evmPsp, first } },
    byWorkflow(row, subject),
  );
  return { state: 'credited', pauseMs: 60_000, isOver: false };
}

/**
 * The same transaction, credited under the key that it had in a block which has left the chain: that credit is taken back
 * first, so that the player never has both.
 */
async function isStillCreditedElsewhere(trx: Trx, row: CryptoDepositRow): Promise<boolean> {
  const other = await trx
    .selectFrom('payments.cryptoDeposit')
    .select('id')
    .where('chain', '=', row.chain)
    .where('txHash', '=', row.txHash)
    .where('id', '<>', row.id)
    .where('state', '=', 'credited')
    .where('blockHash', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return other !== undefined;
}

type Judge = {
  readonly keyRing: Pick<ActivityDeps['keyRing'], 'blindIndex'>;
  readonly rules: readonly PaymentRule[];
  readonly eligibility: DepositRules['eligibility'];
};

/** Nobody is signed in for a transfer, so no device and no address of the internet is asked about; its sender is. */
async function judgeTransfer(
  trx: Trx,
  { keyRing, rules, eligibility }: Judge,
  row: CryptoDepositRow,
  jurisdiction: string,
): Promise<JudgedPayment & { readonly decision: EligibilityDecision | null }> {
  const keys = row.sender === null ? [] : [keyRing.blindIndex(addressText(row.sender)).toString('hex')];
  const facts = await readPayer(trx, {
    playerId: row.playerId,
    sessionId: null,
    ip: null,
    tokens: [],
    more: keys.map((key) => ({ kind: 'crypto-address', key })),
  });
  const asked = {
    ...ofCrypto,
    playerId: row.playerId,
    brand: row.brand,
    jurisdiction,
    asset: row.asset,
    amount: BigInt(row.amount),
    kycLevel: await readKycLevel(trx, row.playerId),
    age: null,
    ip: null,
  };
  const { refusal, decision } = judgeEligibility(eligibility, asked, facts, null);
  return { ...judgePayment(rules, facts, asked, refusal), decision };
}

const ofCrypto = { flow: 'deposit', method: 'crypto' } as const;

const count = (trx: Trx, row: CryptoDepositRow, judged: JudgedPayment, depositId: string) =>
  takeUses(
    trx,
    {
      ...ofCrypto,
      ...judged.payer,
      payment: `deposit:${depositId}`,
      number: 1,
      asset: row.asset,
      amount: BigInt(row.amount),
      psp: evmPsp,
      tokens: [],
    },
    judged.guards,
  );

async function creditsOf(trx: Trx, cryptoDepositId: string): Promise<number> {
  const { credits } = await trx
    .selectFrom('payments.cryptoCredit')
    .select(sql<number>`count(*)::int`.as('credits'))
    .where('cryptoDepositId', '=', cryptoDepositId)
    .executeTakeFirstOrThrow();
  return credits;
}

/** The chain has taken the money back: so do we, at once and for good; what was spent of it is owed. */
async function reverse(trx: Trx, row: CryptoDepositRow): Promise<CryptoStanding> {
  const standingCredit = await trx
    .selectFrom('payments.cryptoCredit')
    .select(['number', 'depositId'])
    .where('cryptoDepositId', '=', row.id)
    .where('reversedAt', 'is', null)
    .executeTakeFirstOrThrow();
  const subject = `deposit:${standingCredit.depositId}`;
  const opened = `${subject}:orphaned`;
  const post = { playerId: row.playerId, asset: row.asset, amount: BigInt(row.amount), subject };
  orThrow(
    await postTransfer(trx, {
      ...post,
      key: opened,
      transfer: { code: 'chargeback.open', capture: `${subject}:capture` },
    }),
  );
  orThrow(
    await postTransfer(trx, {
      ...post,
      key: `${opened}:lost`,
      transfer: { code: 'chargeback.lose', opened },
    }),
  );
  await releaseDepositLimit(trx, standingCredit.depositId);
  await trx
    .updateTable('payments.paymentUse')
    .set({ state: 'void' })
    .where('payment', '=', subject)
    .execute();
  await trx
    .updateTable('payments.cryptoCredit')
    .set({ reversedAt: sql<Date>`now()` })
    .where('cryptoDepositId', '=', row.id)
    .where('number', '=', standingCredit.number)
    .execute();
  await set(trx, row, 'orphaned', 'its block left the chain after the credit');
  await openWorkItem(trx, {
    kind: 'orphaned-credit',
    subject: `crypto-deposit:${row.id}`,
    brand: row.brand,
    reason: `${row.txHash} was credited and left the chain: the credit was taken back`,
  });
  await appendEvent(
    trx,
    {
      type: 'payments.deposit.orphaned',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: {
        depositId: standingCredit.depositId,
        money: toMoneyText(BigInt(row.amount), row.asset),
        chain: row.chain,
        txHash: row.txHash,
      },
    },
    byWorkflow(row, subject),
  );
  return { state: 'orphaned', pauseMs: absentPauseMs, isOver: false };
}

const byWorkflow = (row: CryptoDepositRow, subject: string) =>
  ({
    actor: { kind: 'workflow', id: `crypto-deposit:${row.chain}:${row.txHash}:${row.logIndex}` },
    subject,
  }) as const;
