/**
 * What we ask of game providers, whichever dialect they speak. A provider that has no call for something lacks the
 * method, and the caller says so; the first two every provider has.
 */
import type { Result } from '#domain/failures.ts';

/** Who plays, as far as the provider may know. */
export type PlayerCard = {
  readonly playerId: string;
  readonly asset: string;
  readonly country: string;
  readonly jurisdiction: string;
  /** ISO date of the registration. */
  readonly registeredOn: string;
  /** Null where the integration does not share it. */
  readonly personal: {
    readonly firstName: string;
    readonly lastName: string;
    readonly dateOfBirth: string;
    readonly email: string;
  } | null;
};

export type DemoRequest = {
  readonly game: string;
  readonly country: string;
  readonly jurisdiction: string;
  readonly language: string;
  readonly platform: 'desktop' | 'mobile';
  readonly lobbyUrl: string;
  readonly depositUrl: string;
  readonly ip: string;
};

export type LaunchRequest = DemoRequest & { readonly player: PlayerCard; readonly token: string };

export type ProviderTransaction = {
  readonly externalId: string;
  readonly referenceExternalId: string | null;
  readonly kind: 'bet' | 'win' | 'rollback';
  /** Units of the provider's wire × 100 000, as text. */
  readonly wireAmount: string;
  /** The part of a win that is jackpot, in the same units; null where the provider names none. */
  readonly jackpotWireAmount: string | null;
};

export type RoundOutcome =
  | { readonly state: 'open' }
  | { readonly state: 'void' }
  | { readonly state: 'finished'; readonly transactions: readonly ProviderTransaction[] };

export type ProviderGame = {
  readonly code: string;
  readonly title: string;
  readonly category: string;
  readonly provider: string | null;
  readonly producer: string | null;
  readonly live: boolean;
  readonly imageUrl: string | null;
  readonly backgroundUrl: string | null;
  readonly platforms: readonly ('desktop' | 'mobile')[];
  /** ISO 3166-1 alpha-2. */
  readonly blockedCountries: readonly string[];
  /** Null where the dialect does not say. */
  readonly hasDemo: boolean | null;
  readonly hasFreeRounds: boolean | null;
  readonly enabled: boolean;
  readonly releasedAtMs: number | null;
  readonly recalledAtMs: number | null;
};

export type GameList = {
  readonly games: readonly ProviderGame[];
  /** Entries that could not be read. A list that has some is not complete. */
  readonly unreadable: number;
};

export type FreeRoundsOrder = {
  /** Our id: the provider issues once for it, however often it is asked. */
  readonly issueId: string;
  readonly player: PlayerCard;
  readonly games: readonly string[];
  readonly count: number;
  /** Stake of one round as plain decimal text; null where the dialect cannot say it. */
  readonly betValue: string | null;
  /** ISO instant. */
  readonly validUntil: string;
  /** The operator's choice, where there was one. */
  readonly prepaidId: string | null;
  /** What `choosePrepaid` found; kept, so that a repeat asks for the same. */
  readonly prepaid: Prepaid | null;
  readonly campaignId: string | null;
};

/** An offer of free rounds that was bought before; what is null the operator chooses. */
export type Prepaid = {
  readonly id: string;
  readonly game: string | null;
  readonly asset: string;
  readonly betValue: string | null;
  readonly count: number | null;
};

export type CampaignTerms = {
  readonly name: string;
  readonly prepaidId: string;
  readonly asset: string;
  readonly betValue: string | null;
  readonly count: number | null;
  readonly startsAt: string;
  readonly endsAt: string;
};

export type Campaign = CampaignTerms & { readonly id: string; readonly status: string | null };

/**
 * Failures of every call: `dependency-unavailable` when the provider does not answer, or answers with what is no
 * answer; `provider-refused` when it says no.
 */
export type GameProvider = {
  /** Address of the running game. */
  launchUrl(request: LaunchRequest): Promise<Result<string>>;
  /** What became of a round. `transaction-not-found` when the provider never heard of it. */
  roundOutcome?(round: {
    readonly playerId: string;
    readonly roundRef: string;
  }): Promise<Result<RoundOutcome>>;
  /** Address of the game for play without money: no wallet, no session, nobody's name. */
  demoUrl?(request: DemoRequest): Promise<Result<string>>;
  /** The provider's catalogue as it is now. */
  gameList?(): Promise<Result<GameList>>;
  /** Where a round can be watched again. `transaction-not-found` as above. */
  replayUrl?(round: { readonly playerId: string; readonly roundRef: string }): Promise<Result<string>>;
  /** Of providers that issue from prepaid offers: which one serves the order; asked once, before it is issued. */
  choosePrepaid?(order: FreeRoundsOrder): Promise<Result<Prepaid>>;
  /** Safe to repeat with the same id. */
  issueFreeRounds?(order: FreeRoundsOrder): Promise<Result<void>>;
  /** `provider-refused` once the player has claimed them, `transaction-not-found` where they were never issued. */
  cancelFreeRounds?(issue: {
    readonly issueId: string;
    readonly games: readonly string[];
  }): Promise<Result<void>>;
  prepaids?(filter: { readonly game?: string; readonly asset?: string }): Promise<Result<readonly Prepaid[]>>;
  readonly campaigns?: {
    /** Not safe to repeat: the provider knows no key for it. */
    create(terms: CampaignTerms): Promise<Result<Campaign>>;
    list(): Promise<Result<readonly Campaign[]>>;
    /** `transaction-not-found` for an unknown one. */
    read(campaignId: string): Promise<Result<Campaign>>;
  };
};

/** Providers by integration id; nothing for an integration that is unknown or has no key to sign with. */
export type GameProviders = {
  get(integration: string): GameProvider | undefined | Promise<GameProvider | undefined>;
};
