/** Money of a captured deposit that goes back, by a refund or a chargeback: never more in sum than was captured. */
import type { TransferCommand } from './commands.ts';
import {
  accept,
  journalOf,
  refuse,
  type Decision,
  type DecisionContext,
  type JournalFacts,
} from './decision.ts';
import { pspOf } from './chart.ts';
import * as post from './postings.ts';
import type { WalletState } from './state.ts';

/**
 * A refund, or the opening of a chargeback: both answer the first capture of the deposit and count against all of its
 * captures until they are won.
 */
export function decideClawback(
  state: WalletState,
  command: TransferCommand,
  code: 'deposit.refund' | 'chargeback.open',
  { referenced: capture, claims }: DecisionContext,
): Decision {
  if (!isOfWallet(capture, state) || capture.code !== 'deposit.capture')
    return refuse('transaction-not-found', 'The deposit of this money is not known.');
  const brought = capture.amount + (claims?.broughtFurther ?? 0n);
  if ((claims?.clawedBack ?? 0n) + command.amount > brought)
    return refuse('exceeds-captured', 'More would go back than the deposit brought.');
  const { amount } = command;
  const psp = pspOfJournal(capture);
  const postings =
    code === 'deposit.refund'
      ? post.depositRefund(state.balances, amount, psp)
      : post.chargebackOpen(state.balances, amount, psp);
  return accept(state, journalOf(command, code, amount, postings, { answers: capture.id }), null);
}

/** Money that a deposit brings after its first capture: it answers that one, and what may go back grows by it. */
export function decideFurtherCapture(
  state: WalletState,
  command: TransferCommand,
  psp: string,
  { referenced: first }: DecisionContext,
): Decision {
  if (!isOfWallet(first, state) || first.code !== 'deposit.capture')
    return refuse('transaction-not-found', 'The first capture of this deposit is not known.');
  const postings = post.depositCapture(state.balances, command.amount, psp);
  return accept(
    state,
    journalOf(command, 'deposit.capture', command.amount, postings, { answers: first.id }),
    null,
  );
}

/** A chargeback ends once: lost, the PSP keeps the money; won, its opening is reversed and the player has it again. */
export function decideChargebackEnd(
  state: WalletState,
  command: TransferCommand,
  code: 'chargeback.lose' | 'chargeback.win',
  { referenced: opening, claims }: DecisionContext,
): Decision {
  if (!isOfWallet(opening, state) || opening.code !== 'chargeback.open')
    return refuse('transaction-not-found', 'The opening of this chargeback is not known.');
  if (opening.reversed || claims?.ended)
    return refuse('already-decided', 'This chargeback has ended. A new one of the same deposit opens anew.');
  const { amount } = opening;
  const psp = pspOfJournal(opening);
  const links = { answers: opening.id, reverses: code === 'chargeback.win' ? opening.id : null };
  const postings =
    code === 'chargeback.win'
      ? post.chargebackWin(state.balances, amount, psp)
      : post.chargebackLose(amount, psp);
  return accept(state, journalOf(command, code, amount, postings, links), null);
}

/** A refund that never reached the player's bank is reversed, once; what the capture brought is whole again. */
export function decideRefundReturn(
  state: WalletState,
  command: TransferCommand,
  { referenced: refund }: DecisionContext,
): Decision {
  if (!isOfWallet(refund, state) || refund.code !== 'deposit.refund')
    return refuse('transaction-not-found', 'This refund is not known.');
  if (refund.reversed) return refuse('already-decided', 'This refund was taken back before.');
  const { amount } = refund;
  return accept(
    state,
    journalOf(
      command,
      'deposit.refund-return',
      amount,
      post.depositRefundReturn(state.balances, amount, pspOfJournal(refund)),
      { answers: refund.id, reverses: refund.id },
    ),
    null,
  );
}

const isOfWallet = (journal: JournalFacts | null, state: WalletState): journal is JournalFacts =>
  journal !== null && journal.playerId === state.playerId && journal.asset === state.asset;

/** The PSP that a payment's journal names on its house side. */
function pspOfJournal(journal: JournalFacts): string {
  const psp = journal.postings.map((line) => (line.ofPlayer ? null : pspOf(line.account))).find(Boolean);
  if (!psp) throw new Error(`Invariant broken: journal ${journal.id} names no PSP`);
  return psp;
}
