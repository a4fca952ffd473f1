declare const BUILD_VERSION: string | undefined;
declare const BUILD_COMMIT: string | undefined;
declare const BUILD_DATE: string | undefined;

/** The release, from package.json; "dev" when run from source. Put in by build.ts. */
export const VERSION: string = typeof BUILD_VERSION === "string" ? BUILD_VERSION : "dev";

/** The commit it was built from, "-dirty" when the tree was; "unknown" outside a checkout. */
export const COMMIT: string = typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : "unknown";

/** Day of that commit as YYYY/MM/DD, as HAProxy's `show info` has it. */
export const RELEASE_DATE: string = typeof BUILD_DATE === "string" ? BUILD_DATE : "1970/01/01";
