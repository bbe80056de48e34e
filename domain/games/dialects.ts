/**
 * The wallet dialects that integrations may speak: the one list that database rows, routes, wallet doors and provider
 * adapters are checked against. A new dialect begins with an entry here; the compiler then names what it still lacks.
 */

/** `rsa-public` is the caller's, `rsa-private` is ours, `hmac-secret` is shared and serves both directions. */
export type CredentialKind = 'rsa-public' | 'rsa-private' | 'hmac-secret';

export type DialectTraits = {
  /** What wallet calls are verified with. */
  readonly callerCredential: Extract<CredentialKind, 'rsa-public' | 'hmac-secret'>;
  /** What our own calls are signed with. */
  readonly ownCredential: Extract<CredentialKind, 'rsa-private' | 'hmac-secret'>;
  /** Whether an integration may choose to show the balance beside a refusal for want of money. */
  readonly choosesBalanceOnRefusal: boolean;
  /** Whether the caller has a call that replaces a token, which an integration may turn off. */
  readonly tokensRotate: boolean;
  /** Whether its launch call has fields for who the player is. */
  readonly namesPlayers: boolean;
  /** Decimals that the stake of a free round may have; null where an issue of free rounds does not say the stake. */
  readonly freeRoundsScale: number | null;
  /** Longest validity of free rounds in days; null where the dialect names none. */
  readonly freeRoundsDaysMax: number | null;
  /** Whether the catalogue is a file with an address of its own. */
  readonly catalogueIsFile: boolean;
};

const rsa = { callerCredential: 'rsa-public', ownCredential: 'rsa-private' } as const;
const sharedSecret = { callerCredential: 'hmac-secret', ownCredential: 'hmac-secret' } as const;

export const dialects = {
  hub88: {
    ...rsa,
    choosesBalanceOnRefusal: true,
    tokensRotate: false,
    namesPlayers: false,
    freeRoundsScale: 5,
    freeRoundsDaysMax: null,
    catalogueIsFile: false,
  },
  caleta: {
    ...rsa,
    choosesBalanceOnRefusal: false,
    tokensRotate: true,
    namesPlayers: false,
    freeRoundsScale: 5,
    freeRoundsDaysMax: null,
    catalogueIsFile: false,
  },
  'a8r-v2': {
    ...sharedSecret,
    choosesBalanceOnRefusal: false,
    tokensRotate: false,
    namesPlayers: true,
    freeRoundsScale: 12,
    freeRoundsDaysMax: 28,
    catalogueIsFile: false,
  },
  'a8r-v1': {
    ...sharedSecret,
    choosesBalanceOnRefusal: false,
    tokensRotate: false,
    namesPlayers: true,
    freeRoundsScale: null,
    freeRoundsDaysMax: 28,
    catalogueIsFile: true,
  },
} as const satisfies Readonly<Record<string, DialectTraits>>;

export type WalletDialect = keyof typeof dialects;

export const isWalletDialect = (name: string): name is WalletDialect => Object.hasOwn(dialects, name);

/** The traits of a dialect as a wide type, so that callers need no case for each. */
export const traitsOf = (dialect: WalletDialect): DialectTraits => dialects[dialect];

/** Kinds of credentials that an integration of this dialect may hold. */
export const credentialKindsOf = (dialect: WalletDialect): readonly CredentialKind[] => [
  ...new Set([dialects[dialect].callerCredential, dialects[dialect].ownCredential]),
];
