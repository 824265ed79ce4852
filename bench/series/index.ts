import type { Series } from '../bench.ts';
import { application } from './application.ts';
import { ciphers } from './ciphers.ts';
import { comparison } from './comparison.ts';
import { forgottenTransaction } from './forgotten-transaction.ts';
import { idKindsSeries } from './id-kinds.ts';
import { manyTenants } from './many-tenants.ts';
import { protection } from './protection.ts';
import { recordSizes } from './record-sizes.ts';
import { rotateCall } from './rotate-call.ts';
import { sizes } from './sizes.ts';
import { smallRotations } from './small-rotations.ts';
import { spreadPolls } from './spread-polls.ts';
import { statusPolls } from './status-polls.ts';

/** In the order in which they run: what takes long comes last. */
export const allSeries: readonly Series[] = [
  ciphers,
  smallRotations,
  manyTenants,
  rotateCall,
  statusPolls,
  spreadPolls,
  comparison,
  idKindsSeries,
  application,
  forgottenTransaction,
  protection,
  recordSizes,
  sizes,
];
