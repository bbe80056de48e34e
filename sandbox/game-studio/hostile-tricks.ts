/** What goes wrong between a game provider and a wallet, on purpose, in every dialect; each trick says what it expected and got. */
import { createPlayReport } from './play-report.ts';
import type { RoundBook } from './round-book.ts';
import type { HostileOrder, Trick } from './studio-orders.schema.ts';
import { badSignature, malformed, oddAmounts, slowBodies } from './tricks-of-bytes.ts';
import { burst, brokenBatches, droppedReplies, opposingBatches, race } from './tricks-of-crowd.ts';
import { conflict, duplicates, oldToken } from './tricks-of-identity.ts';
import { lateRollback, overdraw, reorder, rollbackOfRollback } from './tricks-of-order.ts';
import type { Performance } from './trick-parts.ts';
import type { WalletCalls } from './wallet-calls.ts';

const performances: Record<Trick, Performance> = {
  burst,
  race,
  reorder,
  duplicates,
  dropped_replies: droppedReplies,
  conflict,
  rollback_of_rollback: rollbackOfRollback,
  late_rollback: lateRollback,
  overdraw,
  bad_signature: badSignature,
  odd_amounts: oddAmounts,
  malformed,
  slow_bodies: slowBodies,
  opposing_batches: opposingBatches,
  broken_batches: brokenBatches,
  old_token: oldToken,
};

export async function performTrick(
  order: HostileOrder,
  { book, calls }: { book: RoundBook; calls: WalletCalls },
) {
  const report = createPlayReport();
  const wire = calls.wireOf(order);
  // A trick that rotates tokens goes on with the new one.
  const player = { current: order as HostileOrder };
  const before = await calls.balance(order, report);
  const stake = order.stake ?? wire.oneUnit;
  await performances[order.trick]({ order: { ...order, stake }, wire, book, calls, report, player });
  report.balance(before, await calls.balance(player.current, report));
  return { dialect: order.dialect, trick: order.trick, ...report.toJson() };
}
