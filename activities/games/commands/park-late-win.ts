/** A win that comes after we gave its stake back ourselves: a work item for a person, and no money. */
import { openWorkItem } from '#activities/payments/commands/work-items.ts';
import { timeOrderedId } from '#activities/wallet/player-batch.ts';
import type { Database, Trx } from '#db/connect.ts';
import { assets } from '#domain/assets.ts';
import { formatDecimal } from '#domain/money.ts';
import type { WinCommand } from '#domain/wallet/commands.ts';

/** Once per win, also after a person has closed the item. Returns the item's id, whose first part is its time. */
export async function parkLateWin(db: Database | Trx, win: WinCommand): Promise<string> {
  const { key, playerId, asset, game, round, amount, betExternalId } = win;
  const subject = `late-win:${key.integration}:${key.externalId}`;
  const find = () =>
    db
      .selectFrom('payments.workItem')
      .select('id')
      .where('subject', '=', subject)
      .orderBy('openedAt')
      .limit(1)
      .executeTakeFirst();
  const known = await find();
  if (known) return known.id;
  const { brand } = await db
    .selectFrom('wallet.playerWallet')
    .select('brand')
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .executeTakeFirstOrThrow();
  const money = `${formatDecimal(amount, assets.get(asset)?.ledgerScale ?? 12, 2)} ${asset}`;
  await openWorkItem(db, {
    id: timeOrderedId(Date.now()),
    kind: 'late-win',
    subject,
    brand,
    reason: `A win of ${money} for player ${playerId} in round ${round} of ${game} came after we gave back its stake ${betExternalId ?? ''}; it is not paid.`,
  });
  const { id } = (await find()) ?? { id: '' };
  return id;
}
