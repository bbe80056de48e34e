/** Moves messages and stacks of failures into the part that the payload codec seals; loaded by path on both sides. */
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
