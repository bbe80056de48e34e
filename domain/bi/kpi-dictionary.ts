/** One definition per figure for the whole platform: what the words mean, and the waterfall from GGR to NGR. */
import type { Units } from '../money.ts';

export type WaterfallStep = { readonly step: string; readonly units: Units };

/**
 * The waterfall from GGR to NGR with every step shown, also those that are zero today: jackpots, provider fees, tax
 * and chargebacks have no accounts yet. Bonus cost is bonus money converted to cash, not bonus money given.
 */
export function ngrWaterfall(figures: { readonly ggr: Units; readonly bonusCost: Units; readonly pspFees: Units }): {
  readonly steps: readonly WaterfallStep[];
  readonly ngr: Units;
} {
  const steps: WaterfallStep[] = [
    { step: 'ggr', units: figures.ggr },
    { step: 'bonusCost', units: -figures.bonusCost },
    { step: 'jackpotContributions', units: 0n },
    { step: 'providerFees', units: 0n },
    { step: 'pspFees', units: -figures.pspFees },
    { step: 'gamingTax', units: 0n },
    { step: 'chargebacks', units: 0n },
  ];
  return { steps, ngr: steps.reduce((sum, step) => sum + step.units, 0n) };
}
