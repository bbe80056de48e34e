/** KYC levels: named sets of checks, each including the ones below it. */
export const kycLevels = ['L0', 'L1', 'L2', 'L3'] as const;

/** L0 registered; L1 identity; L2 document and liveness; L3 source of funds. */
export type KycLevel = (typeof kycLevels)[number];

/** Levels that a verification can lead to: L0 comes with registration. */
export const verifiableLevels = ['L1', 'L2', 'L3'] as const;

export type VerifiableLevel = (typeof verifiableLevels)[number];

export const isKycLevel = (text: string): text is KycLevel => kycLevels.some((level) => level === text);

/** True when holding `held` is enough where `required` is asked for. */
export const levelSatisfies = (held: KycLevel, required: KycLevel): boolean =>
  kycLevels.indexOf(held) >= kycLevels.indexOf(required);

/** The highest of the levels granted; L0 when there is none. */
export const highestLevel = (granted: readonly KycLevel[]): KycLevel =>
  granted.reduce<KycLevel>((best, level) => (levelSatisfies(level, best) ? level : best), 'L0');

/** The vendor's name for the set of checks behind a level, as configured in the vendor's dashboard. */
export const vendorLevelName = (level: VerifiableLevel): string => `pitboss-${level.toLowerCase()}`;
