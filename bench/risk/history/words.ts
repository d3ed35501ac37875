/** Names of models and fields; a number is added where they run out. */
export const modelWords = (
  "User Account Session Team Membership Invite Project Task Comment Attachment Label Board Invoice Payment Refund " +
  "Subscription Plan Coupon Product Variant Category Cart Order Shipment Address Warehouse Supplier Review Rating Event Ticket " +
  "Booking Room Calendar Reminder Notification Webhook ApiKey AuditLog Setting Theme Document Folder Template Form Answer " +
  "Question Survey Campaign Audience Message Thread Channel Reaction Bookmark Tag Metric Report Dashboard Import Export Device"
).split(" ");

export const fieldWords = (
  "name title description email phone status note slug locale country city street zip currency amount total price discount " +
  "quantity position score rank color icon url image payload settings metadata isActive isPublic isArchived startsAt endsAt " +
  "expiresAt deletedAt publishedAt verifiedAt lastSeenAt externalId reference provider source channel priority version token " +
  "secret weight height width duration timezone language summary body"
).split(" ");

export const enumWords = "Status Role Kind Visibility Priority Provider Interval Channel Stage Source Mode Level".split(
  " ",
);
export const valueWords =
  "DRAFT OPEN PENDING ACTIVE PAUSED DONE FAILED CANCELLED ARCHIVED PUBLIC PRIVATE LOW HIGH DAILY WEEKLY EMAIL SMS PUSH".split(
    " ",
  );
