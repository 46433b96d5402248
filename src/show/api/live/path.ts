/** Where the live feed is. */
export const LIVE_PATH = '/live';
