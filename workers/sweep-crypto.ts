/** Starts or pokes the workflows of transfers on a chain: what the watcher does after its commit, and the sweep after its loss. */
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { parkedBudgetMs, passingReasons } from '#domain/payments/crypto/deposit-state.ts';
import { cryptoAssets } from '#domain/payments/crypto/deposit-policy.ts';
import { collectMinimum } from '#domain/payments/crypto/hot-wallet.ts';
import { chainMoved, cryptoDepositStart } from '#workflows/crypto-deposit.contract.ts';
import type { cryptoDeposit } from '#workflows/crypto-deposit.ts';
import { cryptoSweepStart } from '#workflows/crypto-sweep.contract.ts';
import type { cryptoSweep } from '#workflows/crypto-sweep.ts';
import { hotWalletStart, transferQueued } from '#workflows/hot-wallet.contract.ts';
import type { hotWallet } from '#workflows/hot-wallet.ts';
import { startOnce } from './event-routes.ts';

const rowsMax = 200;

const rowOf = (db: Database) =>
  db
    .selectFrom('payments.cryptoDeposit')
    .select(['id', 'chain', 'txHash', 'logIndex', 'playerId', 'brand', 'asset']);

/** Starts what is not running and pokes what is. */
export async function tellCryptoDeposits(
  client: Client,
  db: Database,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  for (const { id: cryptoDepositId, ...row } of await rowOf(db)
    .where(sql<boolean>`id = any (${[...ids]}::uuid[])`)
    .execute())
    await client.workflow.signalWithStart<typeof cryptoDeposit, []>('cryptoDeposit', {
      ...cryptoDepositStart({ cryptoDepositId, ...row }),
      signal: chainMoved,
    });
}

/**
 * Transfers that wait for their depth or for a reason to pass, whose workflow may have been lost, and credits whose
 * block is gone: they are started, not poked, so that the sweep makes no work for those that run.
 */
export async function sweepCryptoDeposits(client: Client, db: Database): Promise<number> {
  const open = await rowOf(db)
    .where(
      sql<boolean>`(state in ('seen', 'confirming', 'orphaned') and block_hash is not null
        or state = 'credited' and block_hash is null
        or state = 'parked' and reason = any (${[...passingReasons]}::text[]) and seen_at > now() - make_interval(secs => ${parkedBudgetMs / 1_000}))
        and changed_at < now() - interval '20 seconds'`,
    )
    .orderBy('seenAt', 'desc')
    .limit(rowsMax)
    .execute();
  for (const { id: cryptoDepositId, ...row } of open)
    await startOnce(
      client.workflow.start<typeof cryptoDeposit>(
        'cryptoDeposit',
        cryptoDepositStart({ cryptoDepositId, ...row }),
      ),
    );
  return open.length;
}

/** Wakes the hot wallet where transfers are open. */
export async function sweepCryptoWallets(client: Client, db: Database): Promise<number> {
  const wallets = await db
    .selectFrom('payments.chainTransfer')
    .select(['chain', 'fromAddress'])
    .where('derivationIndex', 'is', null)
    .where('closedAt', 'is', null)
    .distinct()
    .limit(rowsMax)
    .execute();
  for (const { chain, fromAddress: address } of wallets)
    await client.workflow.signalWithStart<typeof hotWallet, []>('hotWallet', {
      ...hotWalletStart({ chain, address }),
      signal: transferQueued,
    });
  return wallets.length;
}

/** Collects from addresses where credits came to lie that are worth the fee; what was collected is not asked about again. */
export async function sweepCollections(client: Client, db: Database): Promise<number> {
  const worthIt = [];
  for (const asset of cryptoAssets) worthIt.push(...(await worthCollecting(db, asset)));
  for (const input of worthIt)
    await startOnce(client.workflow.start<typeof cryptoSweep>('cryptoSweep', cryptoSweepStart(input)));
  return worthIt.length;
}

/** Where most lies first, and only what is worth its fee: dust at many addresses must not hide the rest. */
async function worthCollecting(
  db: Database,
  asset: string,
): Promise<readonly { readonly chain: string; readonly address: string; readonly asset: string }[]> {
  const minimum = collectMinimum(asset);
  if (minimum === null) return [];
  return db
    .selectFrom('payments.cryptoDeposit as seen')
    .select(['seen.chain', 'seen.address', 'seen.asset'])
    .where('seen.state', '=', 'credited')
    .where('seen.asset', '=', asset)
    .where(
      sql<boolean>`seen.changed_at > coalesce((select max(t.queued_at) from payments.chain_transfer t
        where t.chain = seen.chain and t.from_address = seen.address and t.asset = seen.asset and t.purpose = 'sweep'), '-infinity')`,
    )
    .groupBy(['seen.chain', 'seen.address', 'seen.asset'])
    .having(sql<boolean>`sum(seen.amount) >= ${minimum.toString()}::numeric`)
    .orderBy(sql`sum(seen.amount)`, 'desc')
    .limit(rowsMax)
    .execute();
}
