/** Names and ids in signed messages of PSPs: printable, so that the database, logs and addresses can hold them. */
import { z } from 'zod';

export const wireText = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII');
