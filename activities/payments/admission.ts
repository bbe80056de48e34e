/** Whether a player may pay in at all, and under which rules of the jurisdiction. */
import { sql } from 'kysely';
import { recentProfile } from '#activities/compliance/profiles.ts';
import { grantedLevels, levelOf } from '#activities/kyc/commands/levels.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { VersionedProfile } from '#domain/compliance/profile.schema.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { levelSatisfies, type KycLevel } from '#domain/kyc/levels.ts';

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
export async function readStanding(
  db: Database | Trx,
  request: PlayerQuestion,
): Promise<Result<PlayerStanding>> {
  const row = await db
    .selectFrom('pam.player as p')
    .leftJoin('wallet.playerWallet as w', (join) =>
      join.onRef('w.playerId', '=', 'p.id').on('w.asset', '=', request.money.asset),
    )
    .select(['p.status', 'p.emailVerifiedAt', 'w.asset'])
    .select(sql<boolean>`coalesce(w.play_blocked_until > now(), false)`.as('isBlocked'))
    .select(grantedLevels(sql.ref('p.id')).as('levels'))
    .where('p.id', '=', request.playerId)
    .where('p.brand', '=', request.brand)
    .executeTakeFirst();
  return row === undefined ? fail('not-found', 'There is no such player.') : succeed(row);
}

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
