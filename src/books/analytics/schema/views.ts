import { minerViews } from './miner-views.ts';
import { poolViews } from './pool-views.ts';
import type { ViewDefinition } from './view.ts';

/** The views to start from. They hold no rows, so a later step may replace any of them. */
export const views: readonly ViewDefinition[] = [...minerViews, ...poolViews];
