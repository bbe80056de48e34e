/** Brings the assets of `domain/assets.ts` into the ledger's own table, which its journals refer to. */
import type { Database, Trx } from '#db/connect.ts';
import { assets } from '#domain/assets.ts';

/** Adds what is missing. An asset in use never changes its scale, so what is there stays. */
export async function seedAssets(db: Database | Trx): Promise<void> {
  await db
    .insertInto('wallet.asset')
    .values(
      [...assets.values()].map(({ code, kind, network, ledgerScale, payableScale }) => ({
        code,
        kind,
        network,
        ledgerScale,
        payableScale,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
