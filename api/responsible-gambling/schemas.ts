/** What the routes of limits and exclusions take and give, and how rows become that. */
import { sql } from 'kysely';
import { z } from '@hono/zod-openapi';
import { readDepositUsage } from '#activities/responsible-gambling/commands/deposit-usage.ts';
import type { Database } from '#db/connect.ts';
import { toMoneyText } from '#domain/money.ts';
import { durationForm, exclusionKinds } from '#domain/responsible-gambling/exclusion-terms.ts';
import { limitKinds } from '#domain/responsible-gambling/limits.ts';
import { limitWindows, type LimitWindow } from '#domain/responsible-gambling/windows.ts';
import { rollUsage } from '#domain/wallet/play-rules.ts';
import { moneyInput, moneyOutput, nullableMoneyOutput, timestamp } from '../schemas.ts';

const limitScope = { kind: z.enum(limitKinds), window: z.enum(limitWindows) };

export const limitInput = z.strictObject({ ...limitScope, money: moneyInput }).openapi('LimitInput');

export const limitRemovalInput = z
  .strictObject({ ...limitScope, asset: z.string().regex(/^[A-Z]{3,10}$/) })
  .openapi('LimitRemoval');

const limitOutput = z
  .strictObject({
    limitId: z.uuid(),
    ...limitScope,
    money: moneyOutput,
    used: moneyOutput.openapi({
      description: 'Of the calendar window (UTC) that runs now; a loss may be negative.',
    }),
    setAt: timestamp,
  })
  .openapi('Limit');

const limitChangeOutput = z
  .strictObject({
    limitChangeId: z.uuid(),
    ...limitScope,
    asset: z.string(),
    money: nullableMoneyOutput.openapi({ description: 'Null removes the limit.' }),
    state: z.enum(['cooling-off', 'awaiting-confirmation', 'applied', 'cancelled', 'lapsed']),
    effectiveAt: timestamp,
    confirmUntil: timestamp
      .nullable()
      .openapi({ description: 'Until when the change must be confirmed, if it must.' }),
  })
  .openapi('LimitChange');

export const limitsOutput = z
  .strictObject({ limits: z.array(limitOutput), changes: z.array(limitChangeOutput) })
  .openapi('Limits');

export const limitOutcomeOutput = z
  .strictObject({
    outcome: z.enum(['in-force', 'waiting', 'unchanged']),
    id: z.uuid().openapi({ description: 'Of the limit in force, or of the change that waits.' }),
    ...limitsOutput.shape,
  })
  .openapi('LimitOutcome');

export const exclusionInput = z
  .strictObject({
    kind: z.enum(exclusionKinds),
    duration: z
      .string()
      .refine((text) => text === 'indefinite' || durationForm.test(text), 'must be such as P6M, P7D or PT24H')
      .openapi({
        example: 'PT24H',
        description: 'ISO 8601 with one unit, or "indefinite" for a self-exclusion.',
      }),
  })
  .openapi('ExclusionInput');

export const exclusionOutput = z
  .strictObject({
    number: z.int(),
    kind: z.enum(exclusionKinds),
    state: z.enum(['active', 'reinstatement-possible', 'reinstatement-requested', 'ended']),
    startedAt: timestamp,
    until: timestamp.nullable().openapi({ description: 'Null where there is no end.' }),
    reinstatableFrom: timestamp.openapi({ description: 'From when a return may be asked for.' }),
    reinstatedAt: timestamp.nullable(),
  })
  .openapi('Exclusion');

type ExclusionLike = Pick<z.infer<typeof exclusionOutput>, 'number' | 'kind' | 'state'> & {
  startedAt: Date;
  until: Date | null;
  reinstatableFrom: Date;
  reinstatedAt: Date | null;
};

export const toApiExclusion = (row: ExclusionLike): z.infer<typeof exclusionOutput> => ({
  number: row.number,
  kind: row.kind,
  state: row.state,
  startedAt: row.startedAt.toISOString(),
  until: row.until?.toISOString() ?? null,
  reinstatableFrom: row.reinstatableFrom.toISOString(),
  reinstatedAt: row.reinstatedAt?.toISOString() ?? null,
});

/** Limits in force with what is used of them, and the changes that are open. Reads the primary. */
export async function readLimits(db: Database, playerId: string): Promise<z.infer<typeof limitsOutput>> {
  const limits = await db
    .selectFrom('responsibleGambling.limit')
    .selectAll()
    .where('playerId', '=', playerId)
    .where('active', '=', true)
    .orderBy('kind')
    .orderBy('setAt')
    .execute();
  const changes = await db
    .selectFrom('responsibleGambling.limitChange')
    .selectAll()
    .where('playerId', '=', playerId)
    .where('state', 'in', ['cooling-off', 'awaiting-confirmation'])
    .orderBy('requestedAt')
    .execute();
  const usage = new Map<string, Usage>();
  for (const asset of new Set(limits.map((limit) => limit.asset))) {
    usage.set(asset, await readUsage(db, playerId, asset));
  }
  return {
    limits: limits.map((row) => {
      const scope = scopeFromRow.parse(row);
      const used = usage.get(row.asset)?.[scope.kind][scope.window] ?? 0n;
      return {
        limitId: row.id,
        ...scope,
        money: toMoneyText(BigInt(row.amount), row.asset),
        used: toMoneyText(used, row.asset),
        setAt: row.setAt.toISOString(),
      };
    }),
    changes: changes.map((row) => ({
      limitChangeId: row.id,
      ...scopeFromRow.parse(row),
      asset: row.asset,
      money: row.amount === null ? null : toMoneyText(BigInt(row.amount), row.asset),
      state: limitChangeOutput.shape.state.parse(row.state),
      effectiveAt: row.effectiveAt.toISOString(),
      confirmUntil: row.confirmUntil?.toISOString() ?? null,
    })),
  };
}

const scopeFromRow = z.object(limitScope);

type Usage = Record<(typeof limitKinds)[number], Readonly<Record<LimitWindow, bigint>>>;

/** The counters on the wallet belong to the windows of `usage_at`; rolled to the database's present. */
async function readUsage(db: Database, playerId: string, asset: string): Promise<Usage> {
  const { rows } = await sql<Record<string, string> & { nowMs: string; usageMs: string }>`
    select floor(extract(epoch from clock_timestamp()) * 1000) as now_ms,
      case when isfinite(usage_at) then floor(extract(epoch from usage_at) * 1000) else 0 end as usage_ms,
      stake_day, stake_week, stake_month, loss_day, loss_week, loss_month
    from wallet.player_wallet where player_id = ${playerId} and asset = ${asset}
  `.execute(db);
  const row = rows[0];
  const nowMs = row ? Number(row.nowMs) : Date.now();
  const counter = (kind: 'stake' | 'loss') => ({
    day: BigInt(row?.[`${kind}Day`] ?? 0),
    week: BigInt(row?.[`${kind}Week`] ?? 0),
    month: BigInt(row?.[`${kind}Month`] ?? 0),
  });
  const rolled = rollUsage(
    { atMs: Number(row?.usageMs ?? 0), stake: counter('stake'), loss: counter('loss') },
    nowMs,
  );
  return {
    deposit: await readDepositUsage(db, playerId, asset, nowMs),
    stake: rolled.stake,
    loss: rolled.loss,
  };
}
