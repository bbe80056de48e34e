/** Puts a limit in force or out of it; everything that follows from that is written with it. */
import type { Trx } from '#db/connect.ts';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import { setPlayLimits } from '#activities/wallet/player-wallet.ts';
import { sql } from 'kysely';
import { toMoneyText, type Units } from '#domain/money.ts';
import type { LimitKind } from '#domain/responsible-gambling/limits.ts';
import { limitWindows, type LimitWindow } from '#domain/responsible-gambling/windows.ts';

export type LimitScope = {
  readonly playerId: string;
  readonly kind: LimitKind;
  readonly window: LimitWindow;
  readonly asset: string;
};

export type LimitWrite = LimitScope & {
  readonly id: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly profileVersion: number;
  /** Units at ledger scale; null leaves no limit. */
  readonly amount: Units | null;
  readonly fingerprint: Buffer;
  readonly actor: Actor;
};

export type LimitInForce = { readonly id: string; readonly amount: Units };

/** The limit in force for exactly this scope. */
export async function readLimitInForce(trx: Trx, scope: LimitScope): Promise<LimitInForce | null> {
  const row = await trx
    .selectFrom('responsibleGambling.limit')
    .select(['id', 'amount'])
    .where('playerId', '=', scope.playerId)
    .where('kind', '=', scope.kind)
    .where('window', '=', scope.window)
    .where('asset', '=', scope.asset)
    .where('active', '=', true)
    .executeTakeFirst();
  return row ? { id: row.id, amount: BigInt(row.amount) } : null;
}

/** Replaces the limit in force. The player's guard must be locked by `trx`. */
export async function writeLimit(trx: Trx, write: LimitWrite): Promise<void> {
  const { id, playerId, brand, kind, window, asset, amount } = write;
  const ended = await trx
    .updateTable('responsibleGambling.limit')
    .set({ active: false, endedAt: sql<Date>`now()` })
    .where('playerId', '=', playerId)
    .where('kind', '=', kind)
    .where('window', '=', window)
    .where('asset', '=', asset)
    .where('active', '=', true)
    .returning('id')
    .executeTakeFirst();
  const fact = { version: 1, brand, playerId } as const;
  if (amount === null) {
    if (!ended) return;
    await appendEvent(
      trx,
      { ...fact, type: 'responsible-gambling.limit.removed', payload: { limitId: ended.id, kind, window } },
      { actor: write.actor, subject: `limit:${ended.id}` },
    );
  } else {
    const { actor, ...row } = write;
    await trx
      .insertInto('responsibleGambling.limit')
      .values({ ...row, amount: amount.toString() })
      .execute();
    await appendEvent(
      trx,
      {
        ...fact,
        type: 'responsible-gambling.limit.set',
        payload: {
          limitId: id,
          kind,
          window,
          money: toMoneyText(amount, asset),
          profileVersion: write.profileVersion,
        },
      },
      { actor, subject: `limit:${id}` },
    );
  }
  if (kind !== 'deposit') await copyPlayLimits(trx, playerId, asset);
}

/** Stake and loss limits are obeyed by every bet, so the wallet holds its own copy of all of them. */
async function copyPlayLimits(trx: Trx, playerId: string, asset: string): Promise<void> {
  const rows = await trx
    .selectFrom('responsibleGambling.limit')
    .select(['kind', 'window', 'amount'])
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .where('active', '=', true)
    .where('kind', 'in', ['stake', 'loss'])
    .execute();
  await setPlayLimits(
    trx,
    playerId,
    asset,
    rows.map((row) => ({
      kind: row.kind === 'loss' ? 'loss' : 'stake',
      window: asWindow(row.window),
      amount: BigInt(row.amount),
    })),
  );
}

export function asWindow(text: string): LimitWindow {
  const window = limitWindows.find((name) => name === text);
  if (window === undefined) throw new Error(`Invariant broken: there is no limit window ${text}`);
  return window;
}
