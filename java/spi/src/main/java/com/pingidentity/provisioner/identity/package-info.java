/**
 * Declarations for compiling and testing, never in the connector's jar: engine types that are only in signatures.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.identity;
