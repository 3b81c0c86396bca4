/** Declarations for compiling and testing, never shipped: configured names and values. See {@code com.pingidentity.provisioner.sdk}. */
package org.sourceid.saml20.adapter.conf;
