/** How deep a deposit must lie before it is credited, and from what amount on it is worth it: versioned data. */
import { assets } from '../../assets.ts';
import { fail, orThrow, succeed, type Result } from '../../failures.ts';
import { amountMaxWhole, parseDecimal, rescale, type Units } from '../../money.ts';

/** Raised with every change of the table below; deposits keep the version that they were judged by. */
export const depositPolicyVersion = 1;

/** Blocks that must hold it, its own included, up to an amount; the last band has no end. */
type Band = { readonly upTo: string | null; readonly depth: number };

type AssetPolicy = { readonly minimum: string; readonly bands: readonly Band[] };

/** 32 and more on Ethereum is about when a block counts as justified; a reorganisation of three has been seen. */
const table: Readonly<Record<string, AssetPolicy>> = {
  USDT: {
    minimum: '1',
    bands: [
      { upTo: '1000', depth: 6 },
      { upTo: '10000', depth: 12 },
      { upTo: null, depth: 32 },
    ],
  },
  USDC: {
    minimum: '1',
    bands: [
      { upTo: '1000', depth: 6 },
      { upTo: '10000', depth: 12 },
      { upTo: null, depth: 32 },
    ],
  },
  ETH: {
    minimum: '0.001',
    bands: [
      { upTo: '0.5', depth: 6 },
      { upTo: '5', depth: 12 },
      { upTo: null, depth: 32 },
    ],
  },
  BNB: {
    minimum: '0.005',
    bands: [
      { upTo: '2', depth: 15 },
      { upTo: null, depth: 64 },
    ],
  },
  POL: {
    minimum: '5',
    bands: [
      { upTo: '2000', depth: 64 },
      { upTo: null, depth: 256 },
    ],
  },
};

export type DepositTerms = {
  /** Units at ledger scale; less is not credited by itself. */
  readonly minimum: Units;
  /** Blocks that must hold an amount up to `upTo`, its own included; null is without end. */
  readonly confirmations: readonly { readonly upTo: Units | null; readonly blocks: number }[];
};

/** What a player may know before he pays. Failure: `unsupported-asset`. */
export function depositTerms(assetCode: string): Result<DepositTerms> {
  const asset = assets.get(assetCode);
  const policy = table[assetCode];
  if (asset === undefined || policy === undefined) return notTaken(assetCode);
  const units = (decimal: string): Units => orThrow(parseDecimal(decimal, asset.ledgerScale));
  return succeed({
    minimum: units(policy.minimum),
    confirmations: policy.bands.map(({ upTo, depth }) => ({
      upTo: upTo === null ? null : units(upTo),
      blocks: depth,
    })),
  });
}

const notTaken = (assetCode: string) =>
  fail('unsupported-asset', `Deposits of ${assetCode.slice(0, 12)} are not taken.`);

/** Assets that a deposit is taken in. */
export const cryptoAssets: readonly string[] = Object.keys(table);

export type Judged = {
  readonly amount: Units;
  readonly depthRequired: number;
  /** Why it is not credited by itself, null where it is. */
  readonly parkedFor: 'below-minimum' | 'amount-too-large' | null;
};

/**
 * Judges an amount of the chain's own integers (`payableScale` places). Failure: `unsupported-asset`. The amount is the
 * transfer's own, as the log tells it: what a token keeps for itself never reached us.
 */
export function judgeDeposit(assetCode: string, raw: bigint): Result<Judged> {
  const asset = assets.get(assetCode);
  const policy = table[assetCode];
  if (asset === undefined || policy === undefined) return notTaken(assetCode);
  const tooLarge = raw > amountMaxWhole * 10n ** BigInt(asset.payableScale);
  const units = (decimal: string): Units => orThrow(parseDecimal(decimal, asset.ledgerScale));
  const amount = tooLarge ? 0n : rescale(raw, asset.payableScale, asset.ledgerScale);
  const band = policy.bands.find(({ upTo }) => !tooLarge && upTo !== null && amount <= units(upTo));
  return succeed({
    amount,
    depthRequired: (band ?? policy.bands.at(-1))?.depth ?? 64,
    parkedFor: tooLarge ? 'amount-too-large' : amount < units(policy.minimum) ? 'below-minimum' : null,
  });
}
