/** Who may bring players. */
import type { Trx } from '#db/connect.ts';

/** Makes an affiliate known; a code that exists is left as it is. */
export async function addAffiliate(
  trx: Trx,
  affiliate: { readonly id: string; readonly code: string; readonly name: string; readonly brand: string },
): Promise<void> {
  await trx
    .insertInto('affiliates.affiliate')
    .values(affiliate)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
