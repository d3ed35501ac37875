/** Set, to anything, by `npm run preview -- --before-promotion`. */
export const beforePromotionVariable = "SAFE_MIGRATION_BEFORE_PROMOTION";
