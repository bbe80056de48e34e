/** Typed keys by which operations search the Temporal UI; nothing personal, since they are not encrypted. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

export const playerIdKey = defineSearchAttributeKey('PlayerId', SearchAttributeType.KEYWORD);
export const brandKey = defineSearchAttributeKey('Brand', SearchAttributeType.KEYWORD);
export const jurisdictionKey = defineSearchAttributeKey('Jurisdiction', SearchAttributeType.KEYWORD);
/** Where the process stands, in the words of its own contract. */
export const stageKey = defineSearchAttributeKey('Stage', SearchAttributeType.KEYWORD);
export const amountKey = defineSearchAttributeKey('Amount', SearchAttributeType.KEYWORD);
export const assetKey = defineSearchAttributeKey('Asset', SearchAttributeType.KEYWORD);
