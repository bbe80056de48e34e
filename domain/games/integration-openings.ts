/**
 * Which fields of a change open something about an integration: where we call and as whom, who may call us, whether stakes
 * are taken. They take two people. What closes is done by one, and so is what only arranges daily work.
 */
export type OpenableIntegration = {
  readonly operatorId: string;
  readonly subPartnerId: string | null;
  readonly baseUrl: string;
  readonly catalogueUrl: string | null;
  readonly callerNetworks: readonly string[];
  readonly sharesPersonalData: boolean;
  readonly tokensRotate: boolean;
  readonly enabled: boolean;
};

/** Whether the new value of a field opens more than there is. Other fields open nothing. */
const opens: {
  readonly [K in keyof OpenableIntegration]: (
    after: OpenableIntegration[K],
    before: OpenableIntegration[K],
  ) => boolean;
} = {
  operatorId: () => true,
  subPartnerId: () => true,
  baseUrl: () => true,
  catalogueUrl: () => true,
  callerNetworks: (after, before) => !isNarrower(after, before),
  sharesPersonalData: (after) => after,
  tokensRotate: (after) => !after,
  enabled: (after) => after,
};

/**
 * Networks are compared as they are written: only what stands in the list is known to be in it, and a comparison of ranges
 * that is wrong once is a hole. An empty list means anywhere, so any list is narrower than it, and it is wider than any.
 */
const isNarrower = (after: readonly string[], before: readonly string[]): boolean =>
  after.length > 0 && (before.length === 0 || after.every((network) => before.includes(network)));

const names = Object.keys(opens) as (keyof OpenableIntegration)[];

/** Names of the fields that open something; `changes` holds only what differs. */
export const openingFields = (
  before: OpenableIntegration,
  changes: { readonly [K in keyof OpenableIntegration]?: OpenableIntegration[K] | undefined },
): readonly (keyof OpenableIntegration)[] => names.filter((name) => isOpening(name, before, changes));

function isOpening<K extends keyof OpenableIntegration>(
  name: K,
  before: OpenableIntegration,
  changes: { readonly [N in keyof OpenableIntegration]?: OpenableIntegration[N] | undefined },
): boolean {
  const after: OpenableIntegration[K] | undefined = changes[name];
  return after !== undefined && opens[name](after, before[name]);
}
