/** Whether a wallet call comes from where its integration says; the signature is a question of its own, asked after it. */
import type { Integration } from './integration-directory.ts';

/** An integration without a list may call from anywhere; with one, an address that is not known is not in it. */
export const mayCallFrom = (
  { callerNetworks }: Pick<Integration, 'callerNetworks'>,
  address: string | null,
): boolean => callerNetworks.isEmpty || (address !== null && callerNetworks.includes(address));
