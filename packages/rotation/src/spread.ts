import { itemsSweptHere } from '@rekey/control';
import type { OpenRange, RangeId } from '@rekey/data';

/** Lets other workers have these ranges. One that they have already is not taken twice. */
export type HandOut = (ranges: readonly RangeId[]) => Promise<unknown>;

/** Hands a rotation's ranges out once there are more records in them than one job sweeps itself. */
export interface Spread {
  /** Told of ranges as they are planned. */
  add(ranges: readonly OpenRange[]): Promise<void>;
  /** Whether these, all that are to be swept, are handed out. */
  all(ranges: readonly OpenRange[]): Promise<boolean>;
}

export function createSpread(handOut: HandOut): Spread {
  const held: OpenRange[] = [];
  let items = 0;
  return {
    async add(ranges) {
      held.push(...ranges);
      items += totalPlanned(ranges);
      if (items > itemsSweptHere) await handOut(held.splice(0));
    },
    async all(ranges) {
      const isLarge = totalPlanned(ranges) > itemsSweptHere;
      if (isLarge) await handOut(ranges);
      return isLarge || items > itemsSweptHere;
    },
  };
}

function totalPlanned(ranges: readonly OpenRange[]): number {
  return ranges.reduce((sum, { planned }) => sum + planned, 0);
}
