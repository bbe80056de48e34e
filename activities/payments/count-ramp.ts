/** A ramp, quoted or made as an exchange: judged by limits and lists, and counted with all others of its payer. */
import type { Trx } from '#db/connect.ts';
import type { PaymentRule } from '#domain/payments/payment-rules.ts';
import type { Refusal } from '#domain/payments/uses.ts';
import { openWorkItem } from './commands/work-items.ts';
import { takeUses } from './payment-uses.ts';
import { judgeRamp, type RampWish } from './ramp-admission.ts';

/**
 * In the transaction that carries the ramp out: it is counted as approved at once. The caller undoes the transaction on
 * a refusal.
 * @param payment names the ramp among the uses of its payer
 * @param subject names it to the person who looks at a match of the grey list
 */
export async function countRamp(
  trx: Trx,
  rules: readonly PaymentRule[],
  wish: RampWish,
  { payment, subject }: { readonly payment: string; readonly subject: string },
): Promise<Refusal | null> {
  const judged = await judgeRamp(trx, rules, wish);
  if (judged.refusal !== null) return judged.refusal;
  const counted = await takeUses(
    trx,
    {
      ...judged.payer,
      payment,
      number: 1,
      flow: 'ramp',
      method: wish.direction,
      asset: wish.payAsset,
      amount: wish.pay,
      psp: null,
      tokens: [],
    },
    judged.guards,
  );
  if (counted !== null) return counted;
  await trx
    .updateTable('payments.paymentUse')
    .set({ state: 'approved' })
    .where('payment', '=', payment)
    .execute();
  if (judged.isGrey)
    await openWorkItem(trx, {
      kind: 'listed-ramp',
      subject,
      brand: wish.brand,
      reason: 'an entry of the grey list matches',
    });
  return null;
}
