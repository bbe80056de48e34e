/** The half of the reducer that decides what activities and staff ask for; games are decided in `decide.ts`. */
import { assert, assertNever } from '../failures.ts';
import type { Units } from '../money.ts';
import type { TransferCommand } from './commands.ts';
import {
  decideChargebackEnd,
  decideClawback,
  decideFurtherCapture,
  decideRefundReturn,
} from './decide-clawback.ts';
import { accept, journalOf, refuse, type Decision, type DecisionContext } from './decision.ts';
import * as post from './postings.ts';
import type { Posting } from './postings.ts';
import type { WalletState } from './state.ts';

/** Codes that move what is there and ignore the amount asked for. */
const findsItsAmount: ReadonlySet<string> = new Set([
  'bonus.convert',
  'bonus.forfeit',
  'chargeback.lose',
  'chargeback.win',
  'deposit.refund-return',
]);

/** Decides one transfer. Total: every expected obstacle is a refusal with a code. */
export function decideTransfer(
  state: WalletState,
  command: TransferCommand,
  context: DecisionContext,
): Decision {
  const { transfer, amount } = command;
  const { balances } = state;
  assert(amount > 0n || findsItsAmount.has(transfer.code), 'a transfer moves a positive amount');
  const accepted = (next: WalletState, moved: Units, postings: Posting[]): Decision =>
    accept(next, journalOf(command, transfer.code, moved, postings), null);

  switch (transfer.code) {
    case 'deposit.capture':
      if (transfer.first !== undefined) return decideFurtherCapture(state, command, transfer.psp, context);
      return accepted(state, amount, post.depositCapture(balances, amount, transfer.psp));
    case 'withdrawal.reserve':
      if (balances.cash < amount)
        return refuse('insufficient-funds', 'The withdrawable balance is too small.');
      return accepted(state, amount, post.withdrawalReserve(amount));
    case 'withdrawal.settle':
      if (balances.held < amount) return refuse('insufficient-funds', 'The hold does not cover the payout.');
      return accepted(state, amount, post.withdrawalSettle(amount, transfer.psp));
    case 'withdrawal.release':
      if (balances.held < amount) return refuse('insufficient-funds', 'The hold does not cover the release.');
      return accepted(state, amount, post.withdrawalRelease(balances, amount));
    case 'withdrawal.fee':
      if (balances.held < amount) return refuse('insufficient-funds', 'The hold does not cover the fee.');
      return accepted(state, amount, post.withdrawalFee(amount));
    case 'withdrawal.return':
      return accepted(state, amount, post.withdrawalReturn(balances, amount, transfer.psp));
    case 'withdrawal.forfeit':
      if (balances.held < amount) return refuse('insufficient-funds', 'The hold does not cover the amount.');
      return accepted(state, amount, post.withdrawalForfeit(amount, transfer.jurisdiction));
    case 'bonus.award': {
      if (state.award) return refuse('award-active', 'One award is wagered at a time.');
      const { awardId: id, wagering: wageringLeft, betMax, expiresAtMs } = transfer;
      return accepted(
        { ...state, award: { id, wageringLeft, betMax, expiresAtMs } },
        amount,
        post.bonusAward(amount),
      );
    }
    case 'bonus.convert':
      if (state.award?.id !== transfer.awardId || state.award.wageringLeft > 0n) {
        return refuse('award-not-active', 'The award is not active or its wagering is not complete.');
      }
      return accepted({ ...state, award: null }, balances.bonus, post.bonusConvert(balances));
    case 'bonus.forfeit':
      if (state.award?.id !== transfer.awardId) return refuse('award-not-active', 'The award is not active.');
      return accepted({ ...state, award: null }, balances.bonus, post.bonusForfeit(balances));
    case 'hold.place':
      if (balances.cash < amount)
        return refuse('insufficient-funds', 'The withdrawable balance is too small.');
      return accepted(state, amount, post.holdPlace(amount));
    case 'hold.capture':
      if (balances.held < amount)
        return refuse('insufficient-funds', 'The held money does not cover the capture.');
      return accepted(state, amount, post.holdCapture(amount, transfer.to));
    case 'hold.release':
      if (balances.held < amount)
        return refuse('insufficient-funds', 'The held money does not cover the release.');
      return accepted(state, amount, post.holdRelease(balances, amount));
    case 'deposit.refund':
    case 'chargeback.open':
      return decideClawback(state, command, transfer.code, context);
    case 'deposit.refund-return':
      return decideRefundReturn(state, command, context);
    case 'chargeback.lose':
    case 'chargeback.win':
      return decideChargebackEnd(state, command, transfer.code, context);
    case 'adjustment.post': {
      if (transfer.direction === 'credit')
        return accepted(state, amount, post.adjustmentCredit(balances, amount));
      if (!transfer.mayOwe && balances.cash < amount)
        return refuse('insufficient-funds', 'The balance does not cover the adjustment.');
      return accepted(state, amount, post.adjustmentDebit(balances, amount));
    }
    default:
      return assertNever(transfer);
  }
}
