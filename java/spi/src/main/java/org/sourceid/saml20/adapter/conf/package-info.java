/**
 * Declarations for compiling and testing, never in the connector's jar: configured names and values.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package org.sourceid.saml20.adapter.conf;
