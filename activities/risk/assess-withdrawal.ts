/** Assesses a withdrawal once and keeps the verdict with its facts; asked again, it answers what it answered. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import { currentScorecard } from '#activities/payments/routing-rules.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database, Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { toUnits, type MoneyText } from '#domain/money.ts';
import {
  assessWithdrawalFacts,
  withdrawalRuleVersion,
  type RiskVerdict,
} from '#domain/risk/withdrawal-rules.ts';
import { recordScoring, scorePayment, type Scoring } from './score-payment.ts';
import { readWithdrawalFacts } from './withdrawal-facts.ts';

export type AssessWithdrawal = {
  readonly withdrawalId: string;
  readonly playerId: string;
  readonly money: MoneyText;
  /** Judged anew just before the money leaves; the first verdict stays beside it. */
  readonly isRepeat?: boolean;
};

export type RiskAssessment = {
  readonly outcome: RiskVerdict['outcome'];
  readonly reasons: readonly string[];
  readonly ruleVersion: string;
};

export const createRiskActivities = (deps: Pick<ActivityDeps, 'db'>) => ({
  /** Lists are not consulted here: the withdrawal asks about them itself. Failure `not-found`. */
  assessWithdrawal: (input: AssessWithdrawal): Promise<RiskAssessment> => assessWithdrawal(deps.db, input),
});

async function assessWithdrawal(db: Database, input: AssessWithdrawal): Promise<RiskAssessment> {
  const subject = `withdrawal:${input.withdrawalId}${input.isRepeat === true ? ':payout' : ''}`;
  // Rules may come from the process's memory, and what reads them must not wait for a second connection.
  const scorecard = await scorecardOf(db, input.playerId);
  return db.transaction().execute(async (trx) => {
    const earlier = await readAssessment(trx, subject);
    if (earlier) return earlier;
    const scoring = scorecard === null ? null : await scoreWithdrawal(trx, scorecard, input, subject);
    if (scoring !== null) await recordScoring(trx, scoring);
    const { brand, facts: read } = await readWithdrawalFacts(trx, {
      withdrawalId: input.withdrawalId,
      playerId: input.playerId,
      asset: input.money.asset,
      requested: orThrow(toUnits(input.money)),
    });
    const facts = {
      ...read,
      // Signs of fraud that nobody can read are for a person.
      fraudBand: scorecard?.isUnread === true ? ('review' as const) : (scoring?.band ?? null),
      fraudScore: scoring?.score ?? null,
    };
    const { outcome, reasons } = assessWithdrawalFacts(facts);
    const inserted = await trx
      .insertInto('risk.assessment')
      .values({
        id: randomUUID(),
        subject,
        playerId: input.playerId,
        brand,
        outcome,
        reasons: [...reasons],
        ruleVersion: withdrawalRuleVersion,
        facts: JSON.stringify(facts, (_, value: unknown) =>
          typeof value === 'bigint' ? value.toString() : value,
        ),
      })
      .onConflict((conflict) => conflict.column('subject').doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!inserted) {
      const other = await readAssessment(trx, subject);
      if (other) return other;
      throw new Error(`Invariant broken: assessment of ${subject} is neither new nor there`);
    }
    await appendEvent(
      trx,
      {
        type: 'risk.assessment.made',
        version: 1,
        brand,
        playerId: input.playerId,
        payload: { subject, outcome, reasons: [...reasons], ruleVersion: withdrawalRuleVersion },
      },
      { actor: { kind: 'workflow', id: subject }, subject },
    );
    return { outcome, reasons, ruleVersion: withdrawalRuleVersion };
  });
}

async function scorecardOf(db: Database, playerId: string) {
  const player = await db
    .selectFrom('pam.player')
    .select('brand')
    .where('id', '=', playerId)
    .executeTakeFirst();
  return player === undefined ? null : currentScorecard(db, player.brand);
}

/** Nobody is at the other end of a workflow: the player's newest session says from where the withdrawal came. */
async function scoreWithdrawal(
  trx: Trx,
  scorecard: Awaited<ReturnType<typeof currentScorecard>>,
  { withdrawalId, playerId, money }: AssessWithdrawal,
  subject: string,
): Promise<Scoring | null> {
  const row = await trx
    .selectFrom('payments.withdrawal as w')
    .innerJoin('payments.instrument as i', 'i.id', 'w.instrumentId')
    .select(['w.brand', 'w.jurisdiction', 'w.amount', 'i.kind'])
    .where('w.id', '=', withdrawalId)
    .executeTakeFirst();
  if (row === undefined) return null;
  const session = await trx
    .selectFrom('pam.session')
    .select(['id', sql<string | null>`host(ip)`.as('ip')])
    .where('playerId', '=', playerId)
    .orderBy('openedAt', 'desc')
    .limit(1)
    .executeTakeFirst();
  return scorePayment(trx, scorecard, {
    subject,
    flow: 'withdrawal',
    playerId,
    brand: row.brand,
    jurisdiction: row.jurisdiction,
    method: row.kind,
    asset: money.asset,
    amount: BigInt(row.amount),
    kycLevel: await readKycLevel(trx, playerId),
    sessionId: session?.id ?? null,
    ip: session?.ip ?? null,
  });
}

async function readAssessment(trx: Trx, subject: string): Promise<RiskAssessment | undefined> {
  const row = await trx
    .selectFrom('risk.assessment')
    .select(['outcome', 'reasons', 'ruleVersion'])
    .where('subject', '=', subject)
    .executeTakeFirst();
  if (!row) return undefined;
  const outcome = (['accept', 'review', 'refuse'] as const).find((name) => name === row.outcome);
  if (!outcome) throw new Error(`Invariant broken: an assessment says ${row.outcome}`);
  return { outcome, reasons: row.reasons, ruleVersion: row.ruleVersion };
}
