/**
 * Payouts on a chain as a connector, so that a withdrawal to an address runs as any other: a payout joins the hot
 * wallet's queue, and its status is what became of its nonce. Nothing can be charged on a chain.
 */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { assets } from '#domain/assets.ts';
import { assert, fail, orThrow } from '#domain/failures.ts';
import { rescale, toMinorUnits, toMoneyText, toUnits } from '#domain/money.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { PspConnector } from '../connectors.ts';
import { queueTransfer, type NewTransfer, type TransferRow } from '../evm/chain-transfers.ts';
import { evmPsp, type Evm } from '../evm/evm-deps.ts';
import { queuedPayout } from '../queued-payouts.ts';

const impossible = (): Promise<{ readonly kind: 'not_sent'; readonly reason: string }> =>
  Promise.resolve({ kind: 'not_sent', reason: 'an address cannot be charged' });

export function createEvmConnector(db: Database, evm: Evm): PspConnector {
  return {
    name: evmPsp,
    capabilities: { idempotencyWindowHours: 24 * 365, statusBy: 'query', processingMsMax: null },
    webhookAnswer: 'ok',
    authorise: impossible,
    continueAfterAction: () => Promise.resolve({ kind: 'not_found', authoritative: false }),
    status: () => Promise.resolve({ kind: 'not_found', authoritative: false }),
    cancel: () => Promise.resolve({ kind: 'not_found', authoritative: false }),
    refund: impossible,
    refundStatus: () => Promise.resolve({ kind: 'not_found', authoritative: true }),
    /** One row per reference: asked again, it changes nothing. */
    async payout(order) {
      const { asset } = order.money;
      const [chain, address = ''] = order.token.split(':');
      if (chain !== evm.chain.name || (asset !== evm.chain.coin && !evm.contractOf.has(asset)))
        return { kind: 'not_sent', reason: `${asset} is not paid on ${chain ?? ''}` };
      if (await isResting(db, order.playerId, order.token))
        return { kind: 'not_sent', reason: 'the address rests' };
      const transfer: NewTransfer = {
        reference: order.reference,
        purpose: 'payout',
        fromAddress: evm.hotWallet,
        derivationIndex: null,
        toAddress: address,
        asset,
        raw: toMinorUnits(orThrow(toUnits(order.money)), asset),
      };
      return queuedPayout(() => queueTransfer(db, evm, transfer), null);
    },
    async payoutStatus(order) {
      const row = await db
        .selectFrom('payments.chainTransfer')
        .selectAll()
        .where('reference', '=', order.reference)
        .executeTakeFirst();
      // Our own table: what is not there is not queued, and cannot be once the attempt is closed on this answer.
      return row === undefined ? { kind: 'not_found', authoritative: true } : outcomeOf(row);
    },
    verifyWebhook: () => fail('invalid-signature', 'A chain sends no webhooks.'),
  };
}

/** The second look, just before money leaves: the request may be older than the address's next owner. */
async function isResting(db: Database, playerId: string, token: string): Promise<boolean> {
  const usable = await db
    .selectFrom('payments.cryptoDestination as kept')
    .innerJoin('payments.instrument as instrument', 'instrument.id', 'kept.instrumentId')
    .select('instrument.id')
    .where('instrument.playerId', '=', playerId)
    .where('instrument.token', '=', token)
    .where('kept.usableFrom', '<=', sql<Date>`now()`)
    .executeTakeFirst();
  return usable === undefined;
}

function outcomeOf(row: TransferRow): PspOutcome {
  const asset = assets.get(row.asset);
  assert(asset !== undefined, `asset ${row.asset} is known`);
  switch (row.state) {
    case 'confirmed':
      return {
        kind: 'approved',
        pspReference: row.txHash ?? row.reference,
        processed: toMoneyText(
          rescale(BigInt(row.rawAmount), asset.payableScale, asset.ledgerScale),
          row.asset,
        ),
        instrument: null,
      };
    // Its nonce is spent and no money moved, or the signer's own rules say no: either is proof.
    case 'reverted':
    case 'refused':
      return {
        kind: 'declined',
        pspReference: row.txHash,
        declineClass: 'fix_data',
        rawCode: row.reason?.split(':')[0] ?? row.state,
        networkCode: null,
      };
    default:
      return { kind: 'pending', pspReference: null };
  }
}
