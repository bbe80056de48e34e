/** Looks after what a lost poke or a crash between commit and start may have left behind: one row per sweep. */
import { setTimeout as delay } from 'node:timers/promises';
import { TypedSearchAttributes } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import { pokeOpenWebhooks } from '#activities/compliance/commands/webhook-inbox.ts';
import { watchResults } from '#activities/games/book/missing-results.ts';
import { takeBackFreeRounds } from '#activities/games/commands/take-back-free-rounds.ts';
import { requestDueImports } from '#activities/games/commands/request-import.ts';
import { takeOpenFeedMessages } from '#activities/games/commands/take-feed-message.ts';
import { claimExpiredRounds } from '#activities/games/guard.ts';
import { expireHolds } from '#activities/wallet/hold-expiry.ts';
import { rollUpJackpotPools } from '#activities/wallet/jackpot-pools.ts';
import { forgetOldAttempts } from '#activities/sign-in-throttle.ts';
import type { Database } from '#db/connect.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { bonusAwardStart } from '#workflows/bonus-award.contract.ts';
import type { bonusAward } from '#workflows/bonus-award.ts';
import { catalogueImportStart } from '#workflows/catalogue-import.contract.ts';
import type { catalogueImport } from '#workflows/catalogue-import.ts';
import { freeRoundsNoticed, freeRoundsStart, freeRoundsWorkflowId } from '#workflows/free-rounds.contract.ts';
import type { freeRounds } from '#workflows/free-rounds.ts';
import { limitChangeStart } from '#workflows/limit-change.contract.ts';
import type { limitChange } from '#workflows/limit-change.ts';
import { registrationStart } from '#workflows/registration.contract.ts';
import type { registration } from '#workflows/registration.ts';
import { roundWorkflowId } from '#workflows/round.contract.ts';
import type { round } from '#workflows/round.ts';
import { assetKey, brandKey, playerIdKey, stageKey } from '#workflows/search-attributes.ts';
import { selfExclusionStart } from '#workflows/self-exclusion.contract.ts';
import type { selfExclusion } from '#workflows/self-exclusion.ts';
import { timeOutStart } from '#workflows/time-out.contract.ts';
import type { timeOut } from '#workflows/time-out.ts';
import { vendorNotified, verificationStart } from '#workflows/verification.contract.ts';
import type { verification } from '#workflows/verification.ts';
import { poke, startOnce } from './event-routes.ts';
import { sweepBank } from './sweep-bank.ts';
import { sweepCollections, sweepCryptoDeposits, sweepCryptoWallets } from './sweep-crypto.ts';
import { sweepBets, sweepMarketResults } from './sweep-book.ts';
import type { Metrics } from './metrics.ts';
import { sweepLateVoids } from './sweep-late-voids.ts';
import { sweepRoundVoids } from './sweep-round-voids.ts';
import { sweepNamedBreaks } from './sweep-named-breaks.ts';
import { inTurns } from './sweep-turns.ts';
import { sweepReconciliations } from './sweep-reconciliations.ts';
import { expireTransfers } from '#activities/payments/commands/expire-transfers.ts';
import { expireRampQuotes } from '#activities/payments/commands/ramp-quotes.ts';
import { redrivePayments, restartLostPayments } from './redrive-payments.ts';

export type SweepDeps = {
  readonly db: Database;
  readonly temporal: () => Promise<Client>;
  readonly metrics: Metrics;
  readonly log: Logger;
};

export type Sweep = {
  readonly name: string;
  readonly everyMs: number;
} & (
  | {
      /** Finds and hands on; the number of rows handed on. Repeating it is harmless. */
      readonly run: (client: Client, db: Database) => Promise<number>;
    }
  /** The same with the database alone: it goes on while Temporal is away. */
  | { readonly runAlone: (db: Database) => Promise<number> }
);

const rowsMax = 200;

/** Starts what an open row says should run; a workflow that runs or has ended is left alone. */
export const sweeps: readonly Sweep[] = [
  { name: 'expired-rounds', everyMs: 5_000, run: sweepRounds },
  { name: 'payments', everyMs: 5_000, run: async (client, db) => countOf(await redrivePayments(client, db)) },
  {
    name: 'kyc-webhooks',
    everyMs: 5_000,
    run: (client, db) =>
      pokeOpenWebhooks(db, 'kyc:vendor', async (subject) => {
        await poke(client.workflow.getHandle(subject).signal(vendorNotified));
        return 'told';
      }),
  },
  { name: 'registrations', everyMs: 60_000, run: sweepRegistrations },
  { name: 'verifications', everyMs: 60_000, run: sweepVerifications },
  { name: 'limit-changes', everyMs: 60_000, run: sweepLimitChanges },
  { name: 'exclusions', everyMs: 60_000, run: sweepExclusions },
  { name: 'awards', everyMs: 60_000, run: sweepAwards },
  { name: 'catalogues-due', everyMs: 60_000, run: (_client, db) => requestDueImports(db) },
  { name: 'catalogue-imports', everyMs: 60_000, run: sweepImports },
  { name: 'free-rounds', everyMs: 60_000, run: sweepFreeRounds },
  { name: 'free-rounds-taken-back', everyMs: 10_000, runAlone: (db) => takeBackFreeRounds(db) },
  { name: 'lost-payments', everyMs: 60_000, run: restartLostPayments },
  { name: 'reconciliations', everyMs: 600_000, run: sweepReconciliations },
  { name: 'late-voids', everyMs: 60_000, run: sweepLateVoids },
  { name: 'round-voids', everyMs: 60_000, run: (client, db) => sweepRoundVoids(client, db) },
  { name: 'named-breaks', everyMs: 60_000, run: sweepNamedBreaks },
  { name: 'expired-holds', everyMs: 5_000, runAlone: (db) => expireHolds(db, rowsMax) },
  { name: 'jackpot-pools', everyMs: 60_000, run: (_client, db) => rollUpJackpotPools(db) },
  { name: 'feed-messages', everyMs: 5_000, run: (_client, db) => takeOpenFeedMessages(db) },
  { name: 'missing-results', everyMs: 60_000, runAlone: (db) => watchResults(db) },
  { name: 'market-results', everyMs: 30_000, run: sweepMarketResults },
  { name: 'bets', everyMs: 60_000, run: sweepBets },
  { name: 'bank', everyMs: 10_000, run: sweepBank },
  { name: 'announced-transfers', everyMs: 600_000, runAlone: (db) => expireTransfers(db) },
  { name: 'sign-in-attempts', everyMs: 600_000, runAlone: (db) => forgetOldAttempts(db) },
  { name: 'ramp-quotes', everyMs: 10_000, runAlone: (db) => expireRampQuotes(db) },
  { name: 'crypto-deposits', everyMs: 10_000, run: sweepCryptoDeposits },
  { name: 'crypto-wallets', everyMs: 5_000, run: sweepCryptoWallets },
  { name: 'crypto-collections', everyMs: 60_000, run: sweepCollections },
];

/** Runs every sweep at its own pace until `signal` aborts; one that fails is tried again at its next turn. */
export async function runSweeps(deps: SweepDeps, signal: AbortSignal, table = sweeps): Promise<void> {
  await Promise.all(
    table.map(async (sweep) => {
      while (!signal.aborted) {
        try {
          const handedOn =
            'runAlone' in sweep
              ? await sweep.runAlone(deps.db)
              : await sweep.run(await deps.temporal(), deps.db);
          if (handedOn > 0) deps.metrics.sweepItems.labels(sweep.name, 'handed-on').inc(handedOn);
        } catch (error) {
          deps.metrics.sweepItems.labels(sweep.name, 'failed').inc();
          deps.log.warn({ error, sweep: sweep.name }, 'a sweep failed and is tried again');
        }
        await delay(sweep.everyMs, undefined, { signal }).catch(() => {});
      }
    }),
  );
}

const countOf = (redriven: Readonly<Record<string, number>>): number =>
  Object.values(redriven).reduce((sum, count) => sum + count, 0);

async function sweepRounds(client: Client, db: Database): Promise<number> {
  const expired = await claimExpiredRounds(db, rowsMax);
  await Promise.all(
    expired.map(({ integration, roundRef, playerId, brand, asset, opening }) => {
      const input = { integration, roundRef, playerId, brand, asset, opening };
      return startOnce(
        client.workflow.start<typeof round>('round', {
          workflowId: roundWorkflowId(input),
          taskQueue: taskQueues.play,
          args: [input],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
          typedSearchAttributes: new TypedSearchAttributes([
            { key: playerIdKey, value: playerId },
            { key: brandKey, value: brand },
            { key: assetKey, value: asset },
            { key: stageKey, value: 'asking-provider' },
          ]),
        }),
      );
    }),
  );
  return expired.length;
}

/** Younger rows are on their way through the relay. */
const unsettled = (column: string) => sql<boolean>`${sql.ref(column)} < now() - interval '1 minute'`;

const openRegistrations = inTurns(
  (db, after: string | null) =>
    db
      .selectFrom('pam.player')
      .select(['id', 'brand', 'jurisdiction'])
      .where('status', '=', 'email-unverified')
      .where(unsettled('registeredAt'))
      .$if(after !== null, (query) => query.where('id', '>', after ?? ''))
      .orderBy('id')
      .limit(rowsMax)
      .execute(),
  ({ id }) => id,
);

async function sweepRegistrations(client: Client, db: Database): Promise<number> {
  const rows = await openRegistrations(db);
  for (const { id, brand, jurisdiction } of rows) {
    const start = registrationStart({ playerId: id, brand, jurisdiction });
    await startOnce(
      client.workflow.start<typeof registration>('registration', {
        ...start,
        typedSearchAttributes: new TypedSearchAttributes(start.typedSearchAttributes),
      }),
    );
  }
  return rows.length;
}

const openVerifications = inTurns(
  (db, after: string | null) =>
    db
      .selectFrom('kyc.verification')
      .select(['id', 'playerId', 'brand', 'jurisdiction'])
      .where('state', 'in', ['opened', 'pending', 'on-hold'])
      .where(unsettled('openedAt'))
      .$if(after !== null, (query) => query.where('id', '>', after ?? ''))
      .orderBy('id')
      .limit(rowsMax)
      .execute(),
  ({ id }) => id,
);

async function sweepVerifications(client: Client, db: Database): Promise<number> {
  const rows = await openVerifications(db);
  for (const { id, playerId, brand, jurisdiction } of rows) {
    await startOnce(
      client.workflow.start<typeof verification>(
        'verification',
        verificationStart({ verificationId: id, playerId, brand, jurisdiction }),
      ),
    );
  }
  return rows.length;
}

const openLimitChanges = inTurns(
  (db, after: string | null) =>
    db
      .selectFrom('responsibleGambling.limitChange')
      .select(['id', 'playerId', 'brand', 'jurisdiction'])
      .where('state', 'in', ['cooling-off', 'awaiting-confirmation'])
      .where(unsettled('requestedAt'))
      .$if(after !== null, (query) => query.where('id', '>', after ?? ''))
      .orderBy('id')
      .limit(rowsMax)
      .execute(),
  ({ id }) => id,
);

async function sweepLimitChanges(client: Client, db: Database): Promise<number> {
  const rows = await openLimitChanges(db);
  for (const { id, ...rest } of rows) {
    await startOnce(
      client.workflow.start<typeof limitChange>(
        'limitChange',
        limitChangeStart({ limitChangeId: id, ...rest }),
      ),
    );
  }
  return rows.length;
}

type ExclusionKey = { readonly playerId: string; readonly number: number };

/** Of any age: one lasts for years, and its clock may have been lost with the workflow server's data at any time. */
const openExclusions = inTurns(
  (db, after: ExclusionKey | null) =>
    db
      .selectFrom('responsibleGambling.exclusion')
      .select(['playerId', 'number', 'brand', 'jurisdiction', 'kind'])
      .where('state', '!=', 'ended')
      .where(unsettled('startedAt'))
      .$if(after !== null, (query) =>
        query.where(
          sql<boolean>`(player_id, number) > (${after?.playerId}::uuid, ${after?.number}::integer)`,
        ),
      )
      .orderBy('playerId')
      .orderBy('number')
      .limit(rowsMax)
      .execute(),
  ({ playerId, number }): ExclusionKey => ({ playerId, number }),
);

async function sweepExclusions(client: Client, db: Database): Promise<number> {
  const rows = await openExclusions(db);
  for (const { kind, ...input } of rows) {
    await startOnce(
      kind === 'time-out'
        ? client.workflow.start<typeof timeOut>('timeOut', timeOutStart(input))
        : client.workflow.start<typeof selfExclusion>('selfExclusion', selfExclusionStart(input)),
    );
  }
  return rows.length;
}

async function sweepAwards(client: Client, db: Database): Promise<number> {
  const awards = await db
    .selectFrom('bonus.award')
    .select(['id', 'playerId', 'brand'])
    .where('state', '=', 'active')
    .where('grantedAt', '<', sql<Date>`now() - interval '1 minute'`)
    .execute();
  for (const { id: awardId, playerId, brand } of awards) {
    await startOnce(
      client.workflow.start<typeof bonusAward>('bonusAward', bonusAwardStart({ awardId, playerId, brand })),
    );
  }
  return awards.length;
}

async function sweepImports(client: Client, db: Database): Promise<number> {
  const rows = await db
    .selectFrom('games.catalogueImport')
    .select(['id', 'brand'])
    .where('state', '=', 'requested')
    .where(unsettled('requestedAt'))
    .limit(rowsMax)
    .execute();
  for (const { id: importId, brand } of rows) {
    await startOnce(
      client.workflow.start<typeof catalogueImport>(
        'catalogueImport',
        catalogueImportStart({ importId, brand }),
      ),
    );
  }
  return rows.length;
}

/** A lost start and a lost poke alike: the workflow is there after it, and looks at its row. */
async function sweepFreeRounds(client: Client, db: Database): Promise<number> {
  const rows = await db
    .selectFrom('games.freeRoundIssue')
    .select(['id', 'playerId', 'brand', 'state'])
    .where('state', 'in', ['requested', 'cancelling'])
    .where(sql<boolean>`issued_at < now() - interval '1 minute'`)
    .orderBy('issuedAt', 'desc')
    .limit(rowsMax)
    .execute();
  for (const { id: freeRoundsId, playerId, brand, state } of rows) {
    await startOnce(
      client.workflow.start<typeof freeRounds>(
        'freeRounds',
        freeRoundsStart({ freeRoundsId, playerId, brand: brand ?? '' }),
      ),
    );
    if (state === 'cancelling')
      await poke(client.workflow.getHandle(freeRoundsWorkflowId(freeRoundsId)).signal(freeRoundsNoticed));
  }
  return rows.length;
}
