/** What we ask of game providers: launch addresses and the outcome of rounds that they left open. */
import type { Result } from '#domain/failures.ts';

export type LaunchRequest = {
  readonly game: string;
  readonly asset: string;
  readonly country: string;
  readonly language: string;
  readonly platform: 'GPL_DESKTOP' | 'GPL_MOBILE';
  readonly lobbyUrl: string;
  readonly depositUrl: string;
  readonly ip: string;
  readonly playerId: string;
  readonly token: string;
};

export type ProviderTransaction = {
  readonly externalId: string;
  readonly referenceExternalId: string | null;
  readonly kind: 'bet' | 'win' | 'rollback';
  /** Units of the provider's wire × 100 000, as text. */
  readonly wireAmount: string;
};

export type RoundOutcome =
  | { readonly state: 'open' }
  | { readonly state: 'void' }
  | { readonly state: 'finished'; readonly transactions: readonly ProviderTransaction[] };

export type GameProvider = {
  /** Address of the running game. `dependency-unavailable` when the provider does not answer in time. */
  launchUrl(request: LaunchRequest): Promise<Result<string>>;
  /** What became of a round. `transaction-not-found` when the provider never heard of it. */
  roundOutcome(round: {
    readonly playerId: string;
    readonly roundRef: string;
  }): Promise<Result<RoundOutcome>>;
};

/** Providers by integration id. */
export type GameProviders = ReadonlyMap<string, GameProvider>;
