/**
 * Declarations for compiling and testing, never shipped: engine types that are only in signatures.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.store;
