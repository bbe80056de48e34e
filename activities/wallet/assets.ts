/** Brings the assets of `domain/assets.ts` into the ledger's own table, which its journals refer to. */
import type { Database, Trx } from '#db/connect.ts';
import { assets } from '#domain/assets.ts';
import { assert } from '#domain/failures.ts';

/**
 * Adds what is missing. An asset in use never changes its scale, so what is there stays; a table that counts an asset
 * in another scale than the code would turn every amount of it into another one, so then nothing starts.
 */
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
  for (const row of await db.selectFrom('wallet.asset').selectAll().execute()) {
    const asset = assets.get(row.code);
    if (!asset) continue;
    assert(
      row.ledgerScale === asset.ledgerScale && row.payableScale === asset.payableScale,
      `${row.code} is kept with ${row.ledgerScale} places of which ${row.payableScale} are paid, as the code says`,
    );
  }
}
