/** 3-D Secure in our words: what rules ask for, what a PSP reports of it, and what may follow. Source: EMVCo, EMV 3-D Secure 2.3.1, Table A.1. */

export const threeDsWants = [
  'exemption',
  'no-preference',
  'challenge-preferred',
  'challenge-mandated',
] as const;
export type ThreeDsWant = (typeof threeDsWants)[number];

/** Source: Commission Delegated Regulation (EU) 2018/389, articles 13, 16 and 18; merchant-initiated payments are out of its scope. */
export const exemptions = ['low-value', 'tra', 'trusted-beneficiary', 'merchant-initiated'] as const;
export type Exemption = (typeof exemptions)[number];

/** What is asked of a PSP. `whenUnavailable` is the operator's policy for a transStatus of U. */
export type ThreeDsWish = {
  readonly want: ThreeDsWant;
  /** Set exactly where an exemption is wanted. */
  readonly exemption: Exemption | null;
  readonly whenUnavailable: 'proceed' | 'refuse';
};

/** Where no rules are live, and for what was asked before there were any. */
export const defaultWish: ThreeDsWish = {
  want: 'no-preference',
  exemption: null,
  whenUnavailable: 'proceed',
};

/** In words, as an operator compares them. */
export const wishWords = ({ want, exemption, whenUnavailable }: ThreeDsWish): readonly string[] => [
  exemption === null ? want : `${want} ${exemption}`,
  `${whenUnavailable} when unavailable`,
];

/** Where rules are live that nobody can read: what they ask for at the most. */
export const strictestWish: ThreeDsWish = {
  want: 'challenge-mandated',
  exemption: null,
  whenUnavailable: 'refuse',
};

/** How strong a wish is: of several that hold together, the strongest request decides. */
const strength: Record<ThreeDsWant, number> = {
  exemption: 0,
  'no-preference': 1,
  'challenge-preferred': 2,
  'challenge-mandated': 3,
};

export const isRequest = (want: ThreeDsWant): boolean => strength[want] >= 2;

/** The strongest of `wishes`, and the stricter policy of all of them; null of none. */
export function strongestWish(wishes: readonly ThreeDsWish[]): ThreeDsWish | null {
  const [first, ...others] = wishes;
  if (first === undefined) return null;
  const strongest = others.reduce(
    (best, wish) => (strength[wish.want] > strength[best.want] ? wish : best),
    first,
  );
  const isStrict = wishes.some(({ whenUnavailable }) => whenUnavailable === 'refuse');
  return { ...strongest, whenUnavailable: isStrict ? 'refuse' : 'proceed' };
}

/**
 * What is asked at one PSP in one attempt. After a soft decline a challenge is mandated, whatever the rules wished; an
 * exemption that the PSP has no word for is not asked for by another word.
 */
export function wishAt(
  wish: ThreeDsWish,
  { stepUp, exemptions: known }: { readonly stepUp: boolean; readonly exemptions: readonly Exemption[] },
): ThreeDsWish {
  if (stepUp) return { ...wish, want: 'challenge-mandated', exemption: null };
  if (wish.exemption === null || known.includes(wish.exemption)) return wish;
  return { ...wish, want: 'no-preference', exemption: null };
}

export const transStatuses = ['Y', 'A', 'C', 'D', 'N', 'R', 'U', 'I'] as const;
export type TransStatus = (typeof transStatuses)[number];

/** What a PSP reports of an authentication. The cryptogram (CAVV) has no place here: this is kept. */
export type ThreeDsResult = {
  readonly transStatus: TransStatus | null;
  readonly eci: string | null;
  /** Of the directory server. */
  readonly dsTransactionId: string | null;
  readonly version: string | null;
  /** Lower-case name of the scheme. */
  readonly network: string | null;
  /** Two letters, of the card's issuer. */
  readonly issuerCountry: string | null;
  readonly exemptionGranted: Exemption | null;
};

/** `refuse`: no money may be taken on this authentication. `null` is a payment that nobody authenticated. */
export function afterAuthentication(
  status: TransStatus | null,
  { whenUnavailable }: Pick<ThreeDsWish, 'whenUnavailable'>,
): 'authorise' | 'challenge' | 'wait' | 'refuse' {
  switch (status) {
    case null:
    case 'Y':
    case 'A':
    case 'I':
      return 'authorise';
    case 'C':
      return 'challenge';
    case 'D':
      return 'wait';
    case 'N':
    case 'R':
      return 'refuse';
    case 'U':
      return whenUnavailable === 'proceed' ? 'authorise' : 'refuse';
  }
}

export const transStatusOf = (text: string | null | undefined): TransStatus | null =>
  transStatuses.find((known) => known === text) ?? null;
