/**
 * Declarations for compiling and testing, never shipped: configured names and values.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package org.sourceid.saml20.adapter.conf;
