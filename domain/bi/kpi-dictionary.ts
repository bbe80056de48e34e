/** One definition per figure for the whole platform: what the words mean, and the waterfall from GGR to NGR. */
import type { Units } from '../money.ts';

export type RevenueFigures = {
  /**
   * Everything that rounds and sports bets left in `house:{vertical}:gaming`: stakes less wins, real and bonus money
   * together, rollbacks taken back on the side that they undo.
   */
  readonly ggr: Units;
  /** Of `ggr`, what came from bonus money: stakes out of bonus pools less wins into them. Nobody paid it in. */
  readonly bonusGgr: Units;
  /** Bonus money that became cash in the period, and winnings of free rounds paid as cash. */
  readonly bonusCost: Units;
  /** Bonus money and free winnings given, less what was forfeited. */
  readonly bonusIssued: Units;
  readonly pspFees: Units;
  /** Put into jackpot pools; what pools pay is no part of GGR. */
  readonly jackpotContributions: Units;
};

export type WaterfallStep = { readonly step: string; readonly units: Units };

/**
 * The waterfall from GGR to NGR with every step shown, also those that are zero today: provider fees, tax and
 * chargebacks have no accounts yet. The platform counts bonus money when it is converted to cash, so bonus money
 * won back from players is not revenue and leaves first. `ngrByIssued` is the other school: all of GGR less the bonus
 * money given; once every award has ended both have counted the same money.
 */
export function ngrWaterfall(figures: RevenueFigures): {
  readonly steps: readonly WaterfallStep[];
  readonly ngr: Units;
  readonly ngrByIssued: Units;
} {
  const steps: WaterfallStep[] = [
    { step: 'ggr', units: figures.ggr },
    { step: 'bonusMoneyPlayed', units: -figures.bonusGgr },
    { step: 'bonusCost', units: -figures.bonusCost },
    { step: 'jackpotContributions', units: -figures.jackpotContributions },
    { step: 'providerFees', units: 0n },
    { step: 'pspFees', units: -figures.pspFees },
    { step: 'gamingTax', units: 0n },
    { step: 'chargebacks', units: 0n },
  ];
  return {
    steps,
    ngr: steps.reduce((sum, step) => sum + step.units, 0n),
    ngrByIssued: figures.ggr - figures.bonusIssued - figures.jackpotContributions - figures.pspFees,
  };
}
