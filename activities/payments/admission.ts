/** Whether a player may pay in at all, and under which rules of the jurisdiction. */
import { sql, type RawBuilder } from 'kysely';
import { recentProfile } from '#activities/compliance/profiles.ts';
import { grantedLevels, levelOf } from '#activities/kyc/commands/levels.ts';
import { writePlayerGuard } from '#activities/responsible-gambling/commands/deposit-limit.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { VersionedProfile } from '#domain/compliance/profile.schema.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { levelSatisfies, type KycLevel } from '#domain/kyc/levels.ts';
import { payerFactsOf, toPayerFacts, type PayerFacts, type PayerQuestion } from './payer-facts.ts';

type PlayerQuestion = {
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly money: { readonly asset: string };
};

/** The rules under which the player may pay in. Failures: those of `readStanding` and `admit`, and `unknown-jurisdiction`. */
export async function admitPlayer(db: Database, request: PlayerQuestion): Promise<Result<Admission>> {
  const [standing, published] = await Promise.all([
    readStanding(db, request),
    recentProfile(db, request.jurisdiction),
  ]);
  return standing.ok ? admit(standing.value, published) : standing;
}

type Admission = VersionedProfile & { readonly kycLevel: KycLevel };

export type PlayerStanding = {
  readonly status: string;
  readonly emailVerifiedAt: Date | null;
  /** Null where the player holds no wallet in it. */
  readonly asset: string | null;
  readonly isBlocked: boolean;
  readonly levels: readonly string[];
};

/** Failure: `not-found`. */
async function readStanding(db: Database, question: PlayerQuestion): Promise<Result<PlayerStanding>> {
  const row = await standingOf(db, question).executeTakeFirst();
  return row === undefined ? noPlayer() : succeed(row);
}

/**
 * The player's standing and facts by one statement that locks the player's guard, as `lockPlayerGuard` does, and `more`
 * that its caller wants to know by the same statement, since a player waits for each. Failure: `not-found`.
 */
export async function claimPayer(
  trx: Trx,
  question: PlayerQuestion & PayerQuestion,
  more: RawBuilder<unknown> = sql`null`,
): Promise<Result<PlayerStanding & { readonly facts: PayerFacts | null; readonly more: unknown }>> {
  const claim = () =>
    standingOf(trx, question)
      .innerJoin('responsibleGambling.playerGuard as g', 'g.playerId', 'p.id')
      .select([payerFactsOf(question).as('facts'), more.as('more')])
      .forUpdate('g')
      .executeTakeFirst();
  let row = await claim();
  if (row === undefined) {
    await writePlayerGuard(trx, question.playerId);
    row = await claim();
  }
  return row === undefined ? noPlayer() : succeed({ ...row, facts: toPayerFacts(row.facts) });
}

const noPlayer = () => fail('not-found', 'There is no such player.');

const standingOf = (db: Database | Trx, { playerId, brand, money }: PlayerQuestion) =>
  db
    .selectFrom('pam.player as p')
    .leftJoin('wallet.playerWallet as w', (join) =>
      join.onRef('w.playerId', '=', 'p.id').on('w.asset', '=', money.asset),
    )
    .select(['p.status', 'p.emailVerifiedAt', 'w.asset'])
    .select(sql<boolean>`coalesce(w.play_blocked_until > now(), false)`.as('isBlocked'))
    .select(grantedLevels(sql.ref('p.id')).as('levels'))
    .where('p.id', '=', playerId)
    .where('p.brand', '=', brand);

/** Failures: `email-not-verified`, `player-blocked`, `identity-not-verified`, `unsupported-asset`, `self-excluded`. */
export function admit(player: PlayerStanding, rules: Result<VersionedProfile>): Result<Admission> {
  if (player.emailVerifiedAt === null) return fail('email-not-verified', 'Confirm the e-mail address first.');
  if (player.status !== 'active') return fail('player-blocked', 'The account is not open for deposits.');
  if (!rules.ok) return rules;
  const kycLevel = levelOf(player.levels);
  if (rules.value.profile.identityBeforeDeposit && !levelSatisfies(kycLevel, 'L1')) {
    return fail('identity-not-verified', 'The identity must be verified before the first deposit.');
  }
  if (player.asset === null) return fail('unsupported-asset', 'The player holds no wallet in this asset.');
  if (player.isBlocked) return fail('self-excluded', 'Deposits are closed while play is excluded or paused.');
  return succeed({ ...rules.value, kycLevel });
}
