/** The providers that this deployment can call, by integration id. */
import { createHub88Provider, type Hub88Credentials } from './hub88-provider.ts';
import type { GameProviders } from './providers.ts';

/** The integration of the game studio that comes with the platform. */
export const studioIntegration = 'studio';

/** How we are named at the studio. */
export const studioOperatorId = 'pitboss';

export type StudioAccess = Pick<Hub88Credentials, 'baseUrl' | 'privateKey'>;

/** No studio configured means no providers, which launch and settlement then say. */
export const createGameProviders = (studio: StudioAccess | null): GameProviders =>
  new Map(
    studio ? [[studioIntegration, createHub88Provider({ ...studio, operatorId: studioOperatorId })]] : [],
  );
